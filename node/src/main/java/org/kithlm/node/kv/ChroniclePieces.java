package org.kithlm.node.kv;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.function.Consumer;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;

/**
 * Pieces in a Chronicle Map: a memory-mapped file of fixed size. All of them are in one segment, so
 * that it is full when all of it is, and not when a part of it is; one process at a time has it
 * open. The only class that knows Chronicle, which is not loaded before it.
 */
final class ChroniclePieces implements PieceMap {
  /** A hash of 8 bytes, then the length of what describes the map; negative until that is whole. */
  private static final int HEADER_BYTES = 12;

  private static final int LENGTH_OFFSET = 8;

  static {
    System.setProperty("chronicle.announcer.disable", "true"); // it asks for an e-mail address
  }

  private final ChronicleMap<byte[], byte[]> map;

  private ChroniclePieces(ChronicleMap<byte[], byte[]> map) {
    this.map = map;
  }

  /**
   * Looks at the beginning of a file.
   *
   * @throws IOException if it was never whole: Chronicle would wait a minute for who makes it
   */
  static void requireReadable(Path file) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(file)) {
      channel.read(header, 0); // a file gives all it has
    }
    if (header.hasRemaining() || header.getInt(LENGTH_OFFSET) <= 0) {
      throw new IOException(file + " has no whole header");
    }
  }

  /** Makes a new file, or opens one that was closed in order. */
  static ChroniclePieces open(Path file, int capacity) throws IOException {
    return new ChroniclePieces(builder(capacity).createPersistedTo(file.toFile()));
  }

  /**
   * Opens a file that was not closed, or may be damaged: locks are freed, and entries that are not
   * whole are dropped. It reads all of the file.
   */
  static ChroniclePieces recover(Path file, int capacity) throws IOException {
    return new ChroniclePieces(
        builder(capacity).recoverPersistedTo(file.toFile(), true, ignored -> {}));
  }

  private static ChronicleMapBuilder<byte[], byte[]> builder(int capacity) {
    return ChronicleMapBuilder.of(byte[].class, byte[].class)
        .name("kith-kv")
        .entries(capacity)
        .actualSegments(1)
        .entriesPerSegment(capacity)
        .constantKeySizeBySample(new byte[PageKey.BYTES])
        .constantValueSizeBySample(new byte[PIECE_BYTES])
        .putReturnsNull(true)
        .removeReturnsNull(true)
        .skipCloseOnExitHook(true); // its owner closes it, when nothing is written any more
  }

  @Override
  public boolean get(byte[] key, byte[] piece) {
    byte[] found = map.getUsing(key, piece); // the same array, as long as lengths agree
    if (found == null || found.length != piece.length) {
      return false;
    }
    System.arraycopy(found, 0, piece, 0, piece.length);
    return true;
  }

  @Override
  public void put(byte[] key, byte[] piece) {
    map.put(key, piece);
  }

  @Override
  public void remove(byte[] key) {
    map.remove(key);
  }

  @Override
  public void forEachKey(Consumer<byte[]> action) {
    map.keySet().forEach(action);
  }

  @Override
  public void close() {
    map.close();
  }
}
