package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

class MatMulTest {
  /** Outputs start with this, to show that products are added and nothing else is touched. */
  private static final float BEFORE = 0.5f;

  private static Tile tile(GgmlType type, int rows, int panels, int panelColumns) {
    int columns = panels * panelColumns;
    int lengthBytes = Math.toIntExact(type.bytes(panelColumns) * panels * rows);
    return new Tile(
        0,
        TensorRole.FFN_DOWN,
        0,
        type,
        0,
        rows,
        0,
        columns,
        panelColumns,
        0,
        lengthBytes,
        List.of());
  }

  /** Random blocks whose scales are of the given size. */
  private static byte[] weights(GgmlType type, int lengthBytes, float scale, Random random) {
    byte[] bytes = new byte[lengthBytes];
    random.nextBytes(bytes);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int block = 0; block < lengthBytes; block += type.blockBytes()) {
      float value = scale * (1 + random.nextFloat());
      short half = Float.floatToFloat16(value);
      switch (type) {
        case F32 -> data.putFloat(block, value);
        case F16 -> data.putShort(block, half);
        case BF16 -> data.putShort(block, (short) (Float.floatToRawIntBits(value) >>> 16));
        case Q4_0, Q5_0, Q8_0 -> data.putShort(block, half);
        case Q4_1, Q5_1, Q4_K, Q5_K -> data.putShort(block, half).putShort(block + 2, half);
        case Q6_K -> data.putShort(block + 208, half);
      }
    }
    return bytes;
  }

  private static float[] random(int length, Random random) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static void check(Tile tile, int tokens, float scale, Random random, String what) {
    byte[] bytes = weights(tile.type(), tile.lengthBytes(), scale, random);
    int xOffset = random.nextInt(4);
    int xStride = tile.columnCount() + random.nextInt(4);
    int yOffset = random.nextInt(4);
    int yStride = tile.rowCount() + random.nextInt(4);
    float[] x = random(xOffset + tokens * xStride, random);
    float[] y = new float[yOffset + tokens * yStride + 3];
    Arrays.fill(y, BEFORE);
    new MatMul()
        .addProduct(
            tile, MemorySegment.ofArray(bytes), x, xOffset, xStride, tokens, y, yOffset, yStride);
    boolean[] written = new boolean[y.length];
    for (int row = 0; row < tile.rowCount(); row++) {
      float[] w = row(tile, bytes, row);
      for (int token = 0; token < tokens; token++) {
        int from = xOffset + token * xStride;
        int at = yOffset + token * yStride + row;
        written[at] = true;
        double expected = BEFORE + Formulas.dot(w, 0, x, from, w.length);
        double magnitude = BEFORE + Formulas.dotOfMagnitudes(w, 0, x, from, w.length);
        // One rounding per step of a lane's chain; 0x1p-24 is half a unit in the last place.
        double tolerance = 0x1p-24 * (w.length / 4.0 + 12) * magnitude;
        assertEquals(expected, y[at], tolerance, what + " row=" + row + " token=" + token);
      }
    }
    for (int i = 0; i < y.length; i++) {
      if (!written[i]) {
        assertEquals(BEFORE, y[i], 0, what + " wrote at " + i);
      }
    }
  }

  /** A row gathered from its panels. */
  private static float[] row(Tile tile, byte[] bytes, int row) {
    float[] out = new float[tile.columnCount()];
    for (int panel = 0; panel < tile.panelCount(); panel++) {
      ScalarDequantizer.dequantize(
          tile.type(),
          MemorySegment.ofArray(bytes),
          (long) panel * tile.panelStrideBytes() + (long) row * tile.panelRowBytes(),
          out,
          panel * tile.panelColumns(),
          tile.panelColumns());
    }
    return out;
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldAddProductsForAnyShape(GgmlType type) {
    for (long seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      int block = type.blockLength();
      int blocksMax = Math.max(1, 600 / block);
      int panels = 1 + random.nextInt(5);
      Tile tile =
          tile(type, 1 + random.nextInt(40), panels, block * (1 + random.nextInt(blocksMax)));
      int tokens = 1 + random.nextInt(10);
      float scale = new float[] {1e-3f, 1, 0x1p-16f, 60}[random.nextInt(4)];
      check(tile, tokens, scale, random, "seed=" + seed + " tokens=" + tokens + " " + tile);
    }
  }

  @Test
  void shouldAddProductsOfAwkwardLengths() {
    for (int columns : new int[] {1, 7, 13, 31, 33, 1025, 2049}) {
      for (GgmlType type : new GgmlType[] {GgmlType.F32, GgmlType.F16, GgmlType.BF16}) {
        Random random = new Random(columns);
        check(tile(type, 9, 1, columns), 6, 1, random, type + " columns=" + columns);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldNotDependOnTheBatch(GgmlType type) {
    Random random = new Random(type.id());
    int tokens = 11;
    Tile tile = tile(type, 7, 3, 512);
    MemorySegment bytes = MemorySegment.ofArray(weights(type, tile.lengthBytes(), 0.01f, random));
    float[] x = random(tokens * tile.columnCount(), random);
    float[] atOnce = new float[tokens * tile.rowCount()];
    MatMul matMul = new MatMul();
    int columns = tile.columnCount();
    int rows = tile.rowCount();
    matMul.addProduct(tile, bytes, x, 0, columns, tokens, atOnce, 0, rows);
    float[] oneByOne = new float[atOnce.length];
    for (int token = 0; token < tokens; token++) {
      matMul.addProduct(tile, bytes, x, token * columns, columns, 1, oneByOne, token * rows, rows);
    }
    assertArrayEquals(atOnce, oneByOne, 0);
  }

  @Test
  void shouldRefuseShortBuffers() {
    Tile tile = tile(GgmlType.Q8_0, 4, 1, 64);
    MemorySegment bytes = MemorySegment.ofArray(new byte[tile.lengthBytes()]);
    MatMul matMul = new MatMul();
    float[] x = new float[128];
    float[] y = new float[8];
    assertRefused(() -> matMul.addProduct(tile, bytes.asSlice(1), x, 0, 64, 2, y, 0, 4));
    assertRefused(() -> matMul.addProduct(tile, bytes, x, 1, 64, 2, y, 0, 4));
    assertRefused(() -> matMul.addProduct(tile, bytes, x, 0, 64, 2, y, 1, 4));
  }

  private static void assertRefused(Runnable call) {
    assertThrows(IndexOutOfBoundsException.class, call::run);
  }

  /**
   * HotSpot allocates vectors silently where it cannot inline; see {@link VectorDequantizer#of}.
   */
  @Test
  void shouldNotAllocateOnceCompiled() {
    Assumptions.assumeTrue(
        Lanes.COUNT <= FloatVector.SPECIES_PREFERRED.length(),
        "this machine has no vectors of " + Lanes.FLOATS.vectorBitSize() + " bits");
    var memory = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    MatMul matMul = new MatMul();
    int tokens = 5;
    for (GgmlType type : GgmlType.values()) {
      Tile tile = tile(type, 9, 2, 256);
      MemorySegment bytes =
          MemorySegment.ofArray(weights(type, tile.lengthBytes(), 0.01f, new Random(1)));
      float[] x = random(tokens * tile.columnCount(), new Random(2));
      float[] y = new float[tokens * tile.rowCount()];
      long least = Long.MAX_VALUE;
      for (int i = 0; i < 20_000 && least > 0; i++) {
        long before = memory.getCurrentThreadAllocatedBytes();
        matMul.addProduct(tile, bytes, x, 0, tile.columnCount(), tokens, y, 0, tile.rowCount());
        least = Math.min(least, memory.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, type.toString());
    }
  }
}
