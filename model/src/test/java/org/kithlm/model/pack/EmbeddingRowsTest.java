package org.kithlm.model.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.ScalarDequantizer;

class EmbeddingRowsTest {
  /** Any bytes, and so words that are NaNs of all kinds. */
  @ParameterizedTest
  @EnumSource
  void shouldExpandManyRowsInPlace(GgmlType type) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int columns = type.blockLength(); columns <= 3 * type.blockLength(); ) {
      int count = 1 + random.nextInt(40);
      EmbeddingRows rows = new EmbeddingRows(type, columns);
      assertTrue(rows.wordsPerRow() <= columns);
      float[] message = new float[columns * count];
      float[] expected = new float[columns * count];
      for (int i = 0; i < count; i++) {
        byte[] blocks = new byte[(int) type.bytes(columns)];
        random.nextBytes(blocks);
        if (i == 0) {
          Arrays.fill(blocks, (byte) 0xFF); // a quiet NaN in each word
        }
        rows.pack(blocks, message, i * rows.wordsPerRow());
        ScalarDequantizer.dequantize(
            type, MemorySegment.ofArray(blocks), 0, expected, i * columns, columns);
      }
      for (int i = 0; i < expected.length; i++) {
        expected[i] *= 1.5f;
      }
      rows.expand(message, count, 1.5f);
      assertArrayEquals(expected, Arrays.copyOf(message, expected.length), type + " seed=" + seed);
      columns += type.blockLength();
    }
  }

  /** A message's words keep their bits, also where they are NaNs that processors may quieten. */
  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q6_K"})
  void shouldKeepTheBitsOfSignalingNaNs(GgmlType type) {
    int columns = 256;
    EmbeddingRows rows = new EmbeddingRows(type, columns);
    byte[] blocks = new byte[(int) type.bytes(columns)];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = (byte) new int[] {1, 0, 0x80, 0x7F}[i % 4];
    }
    float[] message = new float[columns];
    rows.pack(blocks, message, 0);
    for (int i = 0; i < blocks.length / 4; i++) {
      assertEquals(0x7F800001, Float.floatToRawIntBits(message[i]));
    }
  }
}
