package org.kithlm.node.kv;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Pieces in memory. */
final class MapPieces implements PieceMap {
  final Map<ByteBuffer, byte[]> pieces = new LinkedHashMap<>();

  /** Thrown by each put, null for nothing. */
  volatile @Nullable RuntimeException broken;

  @Override
  public boolean get(byte[] key, byte[] piece) {
    byte[] found = pieces.get(ByteBuffer.wrap(key));
    if (found != null) {
      System.arraycopy(found, 0, piece, 0, piece.length);
    }
    return found != null;
  }

  @Override
  public void put(byte[] key, byte[] piece) {
    RuntimeException cause = broken;
    if (cause != null) {
      throw cause;
    }
    pieces.put(ByteBuffer.wrap(key.clone()), piece.clone());
  }

  @Override
  public void remove(byte[] key) {
    pieces.remove(ByteBuffer.wrap(key));
  }

  @Override
  public void forEachKey(Consumer<byte[]> action) {
    for (ByteBuffer key : List.copyOf(pieces.keySet())) {
      byte[] bytes = new byte[PageKey.BYTES];
      key.get(0, bytes);
      action.accept(bytes);
    }
  }

  @Override
  public void close() {}
}
