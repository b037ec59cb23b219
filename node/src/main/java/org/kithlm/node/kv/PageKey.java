package org.kithlm.node.kv;

import java.nio.ByteBuffer;

/**
 * A page of one KV head.
 *
 * @param head number in the model, so that it is found whichever rank computes it
 */
record PageKey(PageName name, int head) {
  /** Bytes under which a piece is kept: name, head, number of the piece, how many there are, 0. */
  static final int BYTES = PageName.BYTES + 4 * Short.BYTES;

  /** A piece of a page. */
  record Piece(PageKey page, int number, int count) {}

  void write(int piece, int pieceCount, byte[] out) {
    ByteBuffer.wrap(out)
        .putLong(name.high())
        .putLong(name.low())
        .putShort((short) head)
        .putShort((short) piece)
        .putShort((short) pieceCount)
        .putShort((short) 0);
  }

  static Piece read(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    PageName name = new PageName(buffer.getLong(), buffer.getLong());
    int head = Short.toUnsignedInt(buffer.getShort());
    int piece = Short.toUnsignedInt(buffer.getShort());
    return new Piece(new PageKey(name, head), piece, Short.toUnsignedInt(buffer.getShort()));
  }
}
