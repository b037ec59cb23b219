package org.kithlm.node.kv;

import java.nio.ByteBuffer;

/**
 * What stands for all tokens up to the end of a page, and for the model: 128 bits that only the
 * root can make.
 *
 * @param high the first 8 bytes, big-endian
 * @param low the others
 */
public record PageName(long high, long low) {
  /** Bytes of a name. */
  public static final int BYTES = 2 * Long.BYTES;

  static PageName of(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new PageName(buffer.getLong(), buffer.getLong());
  }
}
