package org.kithlm.model.pack;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.ScalarDequantizer;

/**
 * Rows of the embedding matrix as they go to leaves: a row's blocks as the pack has them, four
 * bytes in the bits of a float each, little-endian, zeros behind the last. Quantized rows take a
 * fraction of the floats that they stand for. Owned by one thread.
 */
public final class EmbeddingRows {
  private final GgmlType type;
  private final int columns;
  private final byte[] row;
  private final ByteBuffer words;

  EmbeddingRows(GgmlType type, int columns) {
    this.type = type;
    this.columns = columns;
    int bytes = Math.ceilDiv(Math.toIntExact(type.bytes(columns)), Float.BYTES) * Float.BYTES;
    row = new byte[bytes];
    words = ByteBuffer.wrap(row).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Floats that a row takes on the way; no more than the model's hidden size. */
  public int wordsPerRow() {
    return row.length / Float.BYTES;
  }

  /** Writes the bytes of a row to {@code target[at, at + wordsPerRow)}. */
  void pack(byte[] blocks, float[] target, int at) {
    System.arraycopy(blocks, 0, row, 0, blocks.length);
    for (int i = 0; i < wordsPerRow(); i++) {
      target[at + i] = Float.intBitsToFloat(words.getInt(i * Float.BYTES));
    }
  }

  /**
   * Makes hidden states of rows, in place.
   *
   * @param rows [count x wordsPerRow]; becomes [count x hidden size]
   * @param scale a factor on each element
   */
  public void expand(float[] rows, int count, float scale) {
    for (int i = count - 1; i >= 0; i--) { // none is written over before its turn
      for (int word = 0; word < wordsPerRow(); word++) {
        words.putInt(word * Float.BYTES, Float.floatToRawIntBits(rows[i * wordsPerRow() + word]));
      }
      int at = i * columns;
      ScalarDequantizer.dequantize(type, MemorySegment.ofArray(row), 0, rows, at, columns);
      for (int j = at; j < at + columns; j++) {
        rows[j] *= scale;
      }
    }
  }
}
