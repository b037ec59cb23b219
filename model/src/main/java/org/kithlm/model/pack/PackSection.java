package org.kithlm.model.pack;

/**
 * A section of a pack that is read whole.
 *
 * @param offsetBytes where it starts, counted from the start of the body
 * @param lengthBytes its length
 * @param crc32c its CRC32C, 8 hexadecimal digits
 */
record PackSection(long offsetBytes, long lengthBytes, String crc32c) {
  private static final long LENGTH_BYTES_MAX = 1L << 30;

  PackSection {
    if (lengthBytes < 0 || lengthBytes > LENGTH_BYTES_MAX) {
      throw new IllegalArgumentException("section of " + lengthBytes + " bytes is out of range");
    }
  }

  static PackSection unchecked(long offsetBytes, long lengthBytes) {
    return new PackSection(offsetBytes, lengthBytes, "00000000");
  }

  PackSection withCheck(int crc) {
    return new PackSection(offsetBytes, lengthBytes, "%08x".formatted(crc));
  }

  boolean matches(int crc) {
    return crc32c.equals("%08x".formatted(crc));
  }
}
