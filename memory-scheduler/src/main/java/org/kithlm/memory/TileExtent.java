package org.kithlm.memory;

import java.util.List;

/**
 * A run of bytes of a file that is read, checked, kept and released as one.
 *
 * @param offsetBytes where it starts in the file
 * @param lengthBytes its length, at least 1
 * @param pieces checksums of the consecutive pieces that it consists of
 */
public record TileExtent(long offsetBytes, int lengthBytes, List<Piece> pieces) {

  /**
   * A part of an extent with a checksum of its own.
   *
   * @param lengthBytes its length
   * @param crc32c its CRC32C
   */
  public record Piece(int lengthBytes, int crc32c) {}

  /** Checks that the pieces add up to the extent. */
  public TileExtent {
    pieces = List.copyOf(pieces);
    long sumBytes = 0;
    for (Piece piece : pieces) {
      sumBytes += piece.lengthBytes();
      if (piece.lengthBytes() < 1) {
        throw new IllegalArgumentException("piece lengthBytes=" + piece.lengthBytes());
      }
    }
    if (offsetBytes < 0 || lengthBytes < 1 || sumBytes != lengthBytes) {
      throw new IllegalArgumentException(
          "extent offsetBytes="
              + offsetBytes
              + " lengthBytes="
              + lengthBytes
              + " with pieces of "
              + sumBytes
              + " bytes");
    }
  }

  /** The offset after the last byte. */
  public long endBytes() {
    return offsetBytes + lengthBytes;
  }
}
