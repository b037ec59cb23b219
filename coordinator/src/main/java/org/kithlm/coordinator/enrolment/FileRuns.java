package org.kithlm.coordinator.enrolment;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.kithlm.node.control.NodeMessage.ByteRun;

/** Streams runs of bytes of a file, one after the other; reads nothing else of it. Thread-safe. */
final class FileRuns {
  private static final int CHUNK_BYTES = 64 << 10;

  private final Path file;

  FileRuns(Path file) {
    this.file = file;
  }

  /**
   * The bytes of some runs.
   *
   * @throws IllegalArgumentException if one is not within the file
   */
  ResponseEntity read(List<ByteRun> runs) {
    long fileBytes = file.toFile().length(); // 0 if it is gone
    for (ByteRun run : runs) {
      if (run.offsetBytes() > fileBytes - run.lengthBytes()) {
        throw new IllegalArgumentException(
            "offset=%d length=%d is not within the %d bytes of the pack"
                .formatted(run.offsetBytes(), run.lengthBytes(), fileBytes));
      }
    }
    return HttpEntities.create(
        ContentTypes.APPLICATION_OCTET_STREAM,
        runs.stream().mapToLong(ByteRun::lengthBytes).sum(),
        Source.unfoldResource(
            () -> new Reader(FileChannel.open(file), runs), Reader::next, Reader::close));
  }

  /** Reads runs chunk by chunk. Used by one thread at a time. */
  private static final class Reader {
    private final FileChannel channel;
    private final Deque<ByteRun> left;

    Reader(FileChannel channel, List<ByteRun> runs) {
      this.channel = channel;
      this.left = new ArrayDeque<>(runs);
    }

    Optional<ByteString> next() throws IOException {
      ByteRun run = left.poll();
      if (run == null) {
        return Optional.empty();
      }
      int length = (int) Math.min(CHUNK_BYTES, run.lengthBytes());
      byte[] chunk = read(run.offsetBytes(), length);
      if (length < run.lengthBytes()) {
        left.addFirst(new ByteRun(run.offsetBytes() + length, run.lengthBytes() - length));
      }
      return Optional.of(ByteString.fromArrayUnsafe(chunk));
    }

    private byte[] read(long offsetBytes, int length) throws IOException {
      ByteBuffer chunk = ByteBuffer.allocate(length);
      while (chunk.hasRemaining()) {
        if (channel.read(chunk, offsetBytes + chunk.position()) < 0) {
          throw new EOFException("the pack ends before offset " + (offsetBytes + length));
        }
      }
      return chunk.array();
    }

    void close() throws IOException {
      channel.close();
    }
  }
}
