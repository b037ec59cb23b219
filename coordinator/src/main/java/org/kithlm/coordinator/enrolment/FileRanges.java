package org.kithlm.coordinator.enrolment;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Optional;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.ByteRange;
import org.apache.pekko.http.javadsl.model.headers.ContentRange;
import org.apache.pekko.http.javadsl.model.headers.Range;
import org.apache.pekko.http.javadsl.model.headers.RangeUnits;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/**
 * Answers requests for a range of bytes of a file. Pekko's own directive would read the file from
 * its start to the range, each time. Thread-safe.
 */
final class FileRanges {
  private static final int CHUNK_BYTES = 64 << 10;

  private final Path file;

  FileRanges(Path file) {
    this.file = file;
  }

  /** The range that a request asks for; empty if it does not ask for one range within the file. */
  Optional<HttpResponse> answer(HttpRequest request) {
    return request.getHeader(Range.class).flatMap(this::answer);
  }

  private Optional<HttpResponse> answer(Range range) {
    Iterator<ByteRange> ranges = range.getRanges().iterator();
    ByteRange wanted = ranges.next();
    if (ranges.hasNext() || !wanted.isSlice()) {
      return Optional.empty();
    }
    long first = wanted.getSliceFirst().orElseThrow();
    long last = wanted.getSliceLast().orElseThrow();
    long fileBytes = file.toFile().length(); // 0 if it is gone
    return last < fileBytes ? Optional.of(response(first, last, fileBytes)) : Optional.empty();
  }

  private HttpResponse response(long first, long last, long fileBytes) {
    long lengthBytes = last - first + 1;
    Source<ByteString, NotUsed> bytes =
        Source.unfoldResource(
            () -> new Reader(FileChannel.open(file), first, lengthBytes),
            Reader::next,
            Reader::close);
    return HttpResponse.create()
        .withStatus(StatusCodes.PARTIAL_CONTENT)
        .addHeader(
            ContentRange.create(
                RangeUnits.BYTES,
                org.apache.pekko.http.javadsl.model.ContentRange.create(first, last, fileBytes)))
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_OCTET_STREAM, lengthBytes, bytes));
  }

  /** Reads a range chunk by chunk. Used by one thread at a time. */
  private static final class Reader {
    private final FileChannel channel;
    private long position;
    private long leftBytes;

    Reader(FileChannel channel, long position, long leftBytes) {
      this.channel = channel;
      this.position = position;
      this.leftBytes = leftBytes;
    }

    Optional<ByteString> next() throws IOException {
      if (leftBytes == 0) {
        return Optional.empty();
      }
      byte[] chunk = new byte[(int) Math.min(CHUNK_BYTES, leftBytes)];
      ByteBuffer buffer = ByteBuffer.wrap(chunk);
      while (buffer.hasRemaining()) {
        int read = channel.read(buffer, position);
        if (read < 0) {
          throw new EOFException("the file ends at " + position + ", before the range does");
        }
        position += read;
      }
      leftBytes -= chunk.length;
      return Optional.of(ByteString.fromArrayUnsafe(chunk));
    }

    void close() throws IOException {
      channel.close();
    }
  }
}
