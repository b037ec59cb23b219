package org.kithlm.model.pack;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The fixed start of a pack file and the rules of its layout. All numbers are little-endian:
 *
 * <pre>
 *  0  magic "KITHPACK"
 *  8  format version (i32)
 * 12  layout name, 16 bytes of ASCII padded with zeros; "x16" is that of RowGroups
 * 28  length of the index (i64)
 * 36  length of the file (i64)
 * 44  CRC32C of the index (i32)
 * 48  CRC32C of bytes 0 to 48 (i32)
 * 52  zeros to 64
 * 64  index, then zeros to the next 4 KiB: there the body starts
 * </pre>
 */
final class PackFormat {
  static final int PROLOGUE_BYTES = 64;
  static final int INDEX_BYTES_MAX = 64 << 20; // a 400B model has 4 million pieces of 9 bytes
  static final int ALIGNMENT_BYTES = 4096; // what direct IO wants on every common disk

  private static final byte[] MAGIC = "KITHPACK".getBytes(StandardCharsets.US_ASCII);
  private static final int VERSION = 2;
  private static final String LAYOUT = "x16";
  private static final int LAYOUT_BYTES = 16;
  private static final int CHECKED_BYTES = 48;

  private PackFormat() {}

  /**
   * What the prologue says.
   *
   * @param indexBytes length of the index
   * @param fileBytes length of the file
   * @param indexCrc CRC32C of the index
   */
  record Prologue(int indexBytes, long fileBytes, int indexCrc) {}

  /** The next multiple of 4 KiB. */
  static long aligned(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  }

  static long bodyOffsetBytes(int indexBytes) {
    return aligned(PROLOGUE_BYTES + (long) indexBytes);
  }

  static byte[] prologue(byte[] index, long fileBytes) {
    ByteBuffer out = ByteBuffer.allocate(PROLOGUE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.put(MAGIC).putInt(VERSION);
    out.put(LAYOUT.getBytes(StandardCharsets.US_ASCII));
    out.position(MAGIC.length + Integer.BYTES + LAYOUT_BYTES);
    out.putLong(index.length).putLong(fileBytes).putInt(crc32c(index, index.length));
    out.putInt(crc32c(out.array(), CHECKED_BYTES));
    return out.array();
  }

  /** Parses a prologue; {@code packName} is for messages. */
  static Prologue parse(byte[] bytes, String packName) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    byte[] magic = new byte[MAGIC.length];
    in.get(magic);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new PackException(packName + " is not a pack: its prologue has another magic");
    }
    int version = in.getInt();
    byte[] layoutBytes = new byte[LAYOUT_BYTES];
    in.get(layoutBytes);
    long indexBytes = in.getLong();
    long fileBytes = in.getLong();
    int indexCrc = in.getInt();
    if (in.getInt() != crc32c(bytes, CHECKED_BYTES)) {
      throw new PackException(packName + ": the prologue is damaged; make the pack again");
    }
    String layout = new String(layoutBytes, StandardCharsets.US_ASCII).trim();
    if (version != VERSION || !layout.equals(LAYOUT)) {
      throw new PackException(
          packName
              + " has version="
              + version
              + " layout="
              + layout
              + ", this KithLM reads version="
              + VERSION
              + " layout="
              + LAYOUT
              + "; make it again with kith pull");
    }
    if (indexBytes < 0 || indexBytes > INDEX_BYTES_MAX) {
      throw new PackException(packName + ": index of " + indexBytes + " bytes is out of range");
    }
    return new Prologue((int) indexBytes, fileBytes, indexCrc);
  }

  static int crc32c(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  /** Fills {@code buffer} from a position in a file. */
  static void readFully(FileChannel channel, String fileName, ByteBuffer buffer, long offsetBytes)
      throws IOException {
    long position = offsetBytes;
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer, position);
      if (count < 0) {
        throw new EOFException(fileName + " ends at " + position + " while it is read");
      }
      position += count;
    }
  }
}
