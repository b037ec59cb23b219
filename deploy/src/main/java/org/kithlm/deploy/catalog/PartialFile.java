package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.Json;

/**
 * A GGUF that is being fetched: its bytes so far, and a small file beside them that says where they
 * come from, so that a later pull goes on where this one ended.
 */
final class PartialFile implements AutoCloseable {
  private static final String DATA = "model.gguf.part";
  private static final String STATE = "partial.json";

  /**
   * Where the bytes come from.
   *
   * @param source as the user writes it
   * @param etag of the file at an HTTP source, null if it gave none that can be compared
   * @param pieces packages wholly fetched
   * @param piecesBytes their bytes
   * @param totalBytes length of the whole, -1 if not known yet
   */
  record State(
      String source, @Nullable String etag, int pieces, long piecesBytes, long totalBytes) {}

  private final Path folder;
  private final Progress progress;
  private final MessageDigest sha256 = Sha256.digest();
  private final FileChannel channel;
  private @Nullable State state;
  private long lengthBytes;
  private boolean hashed;

  PartialFile(Path folder, Progress progress) throws IOException {
    this.folder = folder;
    this.progress = progress;
    this.state = readState(folder).orElse(null);
    this.channel =
        FileChannel.open(
            folder.resolve(DATA),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    this.lengthBytes = channel.size();
  }

  /** What an earlier pull left in a folder; nothing where it left nothing, or nonsense. */
  static Optional<State> readState(Path folder) {
    try {
      return Optional.of(Json.MAPPER.readValue(folder.resolve(STATE).toFile(), State.class));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Bytes that an earlier pull left in a folder. */
  static long lengthBytes(Path folder) throws IOException {
    Path data = folder.resolve(DATA);
    return Files.exists(data) ? Files.size(data) : 0;
  }

  Path path() {
    return folder.resolve(DATA);
  }

  Path folder() {
    return folder;
  }

  long lengthBytes() {
    return lengthBytes;
  }

  /** What is known of the bytes, if they come from this source and are all there. */
  Optional<State> state(String source) {
    State known = state;
    return known != null && known.source().equals(source) && known.piecesBytes() <= lengthBytes
        ? Optional.of(known)
        : Optional.empty();
  }

  /** Whether an earlier pull fetched the whole file. */
  boolean isComplete() {
    return state != null && state.totalBytes() == lengthBytes;
  }

  /** Forgets all bytes and begins with a source. */
  void restart(State fresh) throws IOException {
    begin(fresh, 0);
  }

  /** Goes on with the source of the bytes, after this many of them. */
  void resume(State known, long positionBytes) throws IOException {
    begin(known, positionBytes);
  }

  private void begin(State next, long positionBytes) throws IOException {
    if (next.totalBytes() >= 0) {
      FreeSpace.require(folder, next.totalBytes() - positionBytes, next.totalBytes());
    }
    channel.truncate(positionBytes);
    lengthBytes = positionBytes;
    writeState(next);
    hash();
    progress.begin("downloading", positionBytes, next.totalBytes());
  }

  /** Feeds what is there to the digest, which cannot be stored between two pulls. */
  private void hash() throws IOException {
    sha256.reset();
    ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
    for (long position = 0; position < lengthBytes; position += buffer.limit()) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), lengthBytes - position));
      while (buffer.hasRemaining()) {
        if (channel.read(buffer, position + buffer.position()) < 0) {
          throw new IOException(path() + " became shorter while it was read");
        }
      }
      sha256.update(buffer.flip());
    }
    hashed = true;
  }

  /** Adds bytes. */
  void write(ByteBuffer bytes) throws IOException {
    sha256.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      lengthBytes += channel.write(bytes, lengthBytes);
    }
    progress.advance(lengthBytes);
  }

  /** Remembers that another package is wholly there. */
  void completePiece() throws IOException {
    State known = known();
    channel.force(false);
    writeState(
        new State(
            known.source(), known.etag(), known.pieces() + 1, lengthBytes, known.totalBytes()));
  }

  /** Remembers that the file is whole. */
  void complete() throws IOException {
    State known = known();
    channel.force(false);
    writeState(
        new State(known.source(), known.etag(), known.pieces(), known.piecesBytes(), lengthBytes));
  }

  /** SHA-256 of all bytes, lower-case hexadecimal; may be asked once. */
  String sha256() throws IOException {
    if (!hashed) {
      hash();
    }
    hashed = false;
    return HexFormat.of().formatHex(sha256.digest());
  }

  /** The source of the bytes. */
  String source() {
    return known().source();
  }

  private State known() {
    if (state == null) {
      throw new IllegalStateException(path() + " has no source yet");
    }
    return state;
  }

  private void writeState(State next) throws IOException {
    Path temporary = folder.resolve(STATE + ".tmp");
    Json.MAPPER.writeValue(temporary.toFile(), next);
    Files.move(temporary, folder.resolve(STATE), StandardCopyOption.REPLACE_EXISTING);
    state = next;
  }

  /** Deletes bytes and state. */
  void discard() throws IOException {
    channel.truncate(0);
    lengthBytes = 0;
    state = null;
    Files.deleteIfExists(path());
    Files.deleteIfExists(folder.resolve(STATE));
  }

  /** Ends the fetch by giving the bytes their final name. */
  void keepAs(Path target) throws IOException {
    Files.move(path(), target, StandardCopyOption.REPLACE_EXISTING);
    Files.deleteIfExists(folder.resolve(STATE));
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (lengthBytes == 0) {
      Files.deleteIfExists(path());
      Files.deleteIfExists(folder.resolve(STATE));
    }
  }
}
