package org.kithlm.node.kv;

import java.util.function.Consumer;

/** Pieces of one size by key, on disk. Owned by one thread. */
interface PieceMap extends AutoCloseable {
  /** Bytes of a piece. */
  int PIECE_BYTES = 64 << 10;

  /** Fills {@code piece}; false if there is none under this key. */
  boolean get(byte[] key, byte[] piece);

  /** Puts a piece in the place of one before, if there is any. */
  void put(byte[] key, byte[] piece);

  /** Takes a piece out, if it is there. */
  void remove(byte[] key);

  /** Shows all keys, in any order. */
  void forEachKey(Consumer<byte[]> action);

  @Override
  void close();
}
