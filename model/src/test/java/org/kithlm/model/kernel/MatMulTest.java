package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
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
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

class MatMulTest {
  /** Outputs start with this, to show that products are added and nothing else is touched. */
  private static final float BEFORE = 0.5f;

  /** A tile with the rows that it was made of, panel after panel, in GGUF's order. */
  private record Weights(Tile tile, byte[] rows, MemorySegment bytes) {
    /** A row gathered from its panels. */
    float[] row(int row) {
      float[] out = new float[tile.columnCount()];
      int rowBytes = tile.groupBytes() / RowGroups.ROWS;
      for (int panel = 0; panel < tile.panelCount(); panel++) {
        ScalarDequantizer.dequantize(
            tile.type(),
            MemorySegment.ofArray(rows),
            (long) (panel * tile.rowCount() + row) * rowBytes,
            out,
            panel * tile.panelColumns(),
            tile.panelColumns());
      }
      return out;
    }
  }

  private static Weights weights(
      Arena arena,
      GgmlType type,
      int rowCount,
      int panels,
      int panelColumns,
      float scale,
      Random random) {
    int rowBytes = Math.toIntExact(type.bytes(panelColumns));
    Tile tile =
        new Tile(
            0,
            TensorRole.FFN_DOWN,
            0,
            type,
            0,
            rowCount,
            0,
            panels * panelColumns,
            panelColumns,
            0,
            RowGroups.padded(rowCount) * rowBytes * panels,
            List.of());
    byte[] rows = blocks(type, rowCount * rowBytes * panels, scale, random);
    byte[] bytes = new byte[tile.lengthBytes()];
    for (int panel = 0; panel < panels; panel++) {
      for (int row = 0; row < rowCount; row += RowGroups.ROWS) {
        RowGroups.of(type)
            .interleave(
                rows,
                (panel * rowCount + row) * rowBytes,
                rowBytes,
                Math.min(RowGroups.ROWS, rowCount - row),
                rowBytes,
                bytes,
                panel * tile.panelStrideBytes() + row * rowBytes);
      }
    }
    MemorySegment segment = arena.allocate(bytes.length);
    segment.copyFrom(MemorySegment.ofArray(bytes));
    return new Weights(tile, rows, segment);
  }

  /** Random blocks whose scales are of the given size, of both signs. */
  private static byte[] blocks(GgmlType type, int lengthBytes, float scale, Random random) {
    byte[] bytes = new byte[lengthBytes];
    random.nextBytes(bytes);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int block = 0; block < lengthBytes; block += type.blockBytes()) {
      float value = scale * (1 + random.nextFloat()) * (random.nextBoolean() ? 1 : -1);
      short half = Float.floatToFloat16(value);
      short minimum = Float.floatToFloat16(scale * 4 * (random.nextFloat() - 0.5f));
      switch (type) {
        case F32 -> data.putFloat(block, value);
        case F16 -> data.putShort(block, half);
        case BF16 -> data.putShort(block, (short) (Float.floatToRawIntBits(value) >>> 16));
        case Q4_0, Q5_0, Q8_0 -> data.putShort(block, half);
        case Q4_1, Q5_1, Q4_K, Q5_K -> data.putShort(block, half).putShort(block + 2, minimum);
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

  private static Activations activations(GgmlType type, float[] x, int tokens, int columns) {
    Activations activations = new Activations(tokens, columns, List.of(type));
    activations.set(x, tokens, columns);
    activations.prepare(type);
    return activations;
  }

  /** The inputs as the kernel of a type sees them: rounded in blocks of 32, or as is. */
  private static float[] seen(GgmlType type, float[] x) {
    float[] out = x.clone();
    Formulas.roundFor(type, out);
    return out;
  }

  private static void check(Weights w, float[] x, int tokens, Random random, String what) {
    Tile tile = w.tile();
    int columns = tile.columnCount();
    int yOffset = random.nextInt(4);
    int yStride = tile.rowCount() + random.nextInt(4);
    float[] y = new float[yOffset + tokens * yStride + 3];
    Arrays.fill(y, BEFORE);
    Activations activations = activations(tile.type(), x, tokens, columns);
    int split = random.nextInt(tile.groupCount() + 1);
    MatMul matMul = new MatMul();
    matMul.addProduct(tile, w.bytes(), activations, 0, y, yOffset, yStride, 0, split);
    matMul.addProduct(
        tile, w.bytes(), activations, 0, y, yOffset, yStride, split, tile.groupCount());
    float[] seen = seen(tile.type(), x);
    boolean[] written = new boolean[y.length];
    for (int row = 0; row < tile.rowCount(); row++) {
      float[] weights = w.row(row);
      for (int token = 0; token < tokens; token++) {
        int from = token * columns;
        int at = yOffset + token * yStride + row;
        written[at] = true;
        double expected = BEFORE + Formulas.dot(weights, 0, seen, from, columns);
        // A scale and a minimum may cancel in the weight, but not in the rounding of their
        // products.
        double magnitude = BEFORE + magnitude(tile.type(), weights, seen, from);
        double tolerance = 0x1p-24 * (columns / 4.0 + 24) * magnitude;
        assertEquals(expected, y[at], tolerance, what + " row=" + row + " token=" + token);
      }
    }
    for (int i = 0; i < y.length; i++) {
      if (!written[i]) {
        assertEquals(BEFORE, y[i], 0, what + " wrote at " + i);
      }
    }
  }

  private static double magnitude(GgmlType type, float[] w, float[] x, int from) {
    if (Payload.of(type) == Payload.FLOATS) {
      return Formulas.dotOfMagnitudes(w, 0, x, from, w.length);
    }
    double sum = 0;
    for (int block = 0; block < w.length; block += 32) {
      double largest = 0;
      double inputs = 0;
      for (int i = block; i < block + 32; i++) {
        largest = Math.max(largest, Math.abs(w[i]));
        inputs += Math.abs(x[from + i]);
      }
      sum += 2 * largest * inputs;
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldAddProductsForAnyShape(GgmlType type) {
    for (long seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      int block = type.blockLength();
      int blocksMax = Math.max(1, (random.nextInt(8) == 0 ? 3000 : 600) / block);
      float scale = new float[] {1e-3f, 1, 0x1p-16f, 0x1p-24f, 60, 16_000}[random.nextInt(6)];
      int rows = 1 + random.nextInt(60);
      int panelColumns = block * (1 + random.nextInt(blocksMax));
      int tokens = 1 + random.nextInt(10);
      try (Arena arena = Arena.ofConfined()) {
        Weights w = weights(arena, type, rows, 1 + random.nextInt(5), panelColumns, scale, random);
        float[] x = random(tokens * w.tile().columnCount(), random);
        check(w, x, tokens, random, "seed=" + seed + " tokens=" + tokens + " " + w.tile());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldBeExactAtTheEndsOfTheIntegerRange(GgmlType type) {
    for (int fill : new int[] {0x00, 0x7F, 0x80, 0xFF, 0x0F, 0xF0}) {
      for (float input : new float[] {1, -1, 0x1p-126f, 1e-30f, 1e20f}) {
        Random random = new Random(fill);
        try (Arena arena = Arena.ofConfined()) {
          Weights w = weights(arena, type, 16, 1, 256, 1, random);
          // Fills all but the scales of the first rows' blocks, then interleaves again.
          byte[] rows = w.rows().clone();
          for (int block = 0; block < rows.length; block += type.blockBytes()) {
            int start = type == GgmlType.Q6_K ? block : block + 2;
            int end = type == GgmlType.Q6_K ? block + 192 : block + type.blockBytes();
            if (type.blockLength() > 1) {
              start += type == GgmlType.Q4_1 || type == GgmlType.Q5_1 ? 2 : 0;
              start += type == GgmlType.Q4_K || type == GgmlType.Q5_K ? 14 : 0;
              Arrays.fill(rows, start, end, (byte) fill);
            }
          }
          byte[] bytes = new byte[w.tile().lengthBytes()];
          int rowBytes = w.tile().groupBytes() / RowGroups.ROWS;
          RowGroups.of(type).interleave(rows, 0, rowBytes, 16, rowBytes, bytes, 0);
          w.bytes().copyFrom(MemorySegment.ofArray(bytes));
          float[] x = new float[5 * 256];
          for (int i = 0; i < x.length; i++) {
            x[i] = i < 256 || random.nextBoolean() ? input : -input;
          }
          check(new Weights(w.tile(), rows, w.bytes()), x, 5, random, fill + " x " + input);
        }
      }
    }
  }

  @Test
  void shouldAddProductsOfAwkwardLengths() {
    for (int columns : new int[] {1, 7, 13, 31, 33, 1025, 2049}) {
      for (GgmlType type : new GgmlType[] {GgmlType.F32, GgmlType.F16, GgmlType.BF16}) {
        Random random = new Random(columns);
        try (Arena arena = Arena.ofConfined()) {
          Weights w = weights(arena, type, 9, 1, columns, 1, random);
          check(w, random(6 * columns, random), 6, random, type + " columns=" + columns);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldNotDependOnTheBatch(GgmlType type) {
    Random random = new Random(type.id());
    int tokens = 11;
    try (Arena arena = Arena.ofConfined()) {
      Weights w = weights(arena, type, 23, 3, 512, 0.01f, random);
      int columns = w.tile().columnCount();
      int rows = w.tile().rowCount();
      float[] x = random(tokens * columns, random);
      MatMul matMul = new MatMul();
      float[] atOnce = new float[tokens * rows];
      Activations all = activations(type, x, tokens, columns);
      matMul.addProduct(w.tile(), w.bytes(), all, 0, atOnce, 0, rows, 0, 2);
      TermSums sumsAtOnce = new TermSums(tokens, rows);
      matMul.addPartialSums(w.tile(), w.bytes(), all, 0, sumsAtOnce, 0, rows, 0, 2);
      float[] oneByOne = new float[atOnce.length];
      TermSums sumsOneByOne = new TermSums(tokens, rows);
      for (int token = 0; token < tokens; token++) {
        float[] one = Arrays.copyOfRange(x, token * columns, (token + 1) * columns);
        Activations alone = activations(type, one, 1, columns);
        for (int group = 0; group < 2; group++) {
          matMul.addProduct(
              w.tile(), w.bytes(), alone, 0, oneByOne, token * rows, rows, group, group + 1);
          matMul.addPartialSums(
              w.tile(), w.bytes(), alone, 0, sumsOneByOne, token * rows, rows, group, group + 1);
        }
      }
      assertArrayEquals(atOnce, oneByOne, 0);
      assertArrayEquals(sumsAtOnce.values(), sumsOneByOne.values(), 0);
    }
  }

  /** What a panel contributes is what it would alone, so ranks may share panels as they like. */
  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldAddUpPanelsInDoublePrecisionOnEachTokensGrid(GgmlType type) {
    Random random = new Random(type.id());
    int tokens = 6;
    int panelColumns = 256;
    try (Arena arena = Arena.ofConfined()) {
      Weights w = weights(arena, type, 23, 3, panelColumns, 0.01f, random);
      Tile tile = w.tile();
      float[] x = random(tokens * tile.columnCount(), random);
      TermSums sums = new TermSums(tokens, 23);
      Arrays.fill(sums.values(), 1e-9);
      for (int token = 1; token < tokens; token++) { // the first has no grid
        sums.roundTo(token, -token);
      }
      Activations whole = activations(type, x, tokens, tile.columnCount());
      MatMul matMul = new MatMul();
      matMul.addPartialSums(tile, w.bytes(), whole, 0, sums, 0, 23, 0, 1);
      matMul.addPartialSums(tile, w.bytes(), whole, 0, sums, 0, 23, 1, 2);
      double[] expected = new double[sums.values().length];
      Arrays.fill(expected, 1e-9);
      for (int panel = 0; panel < 3; panel++) {
        float[] alone = new float[expected.length];
        MemorySegment bytes =
            w.bytes().asSlice((long) panel * tile.panelStrideBytes(), tile.panelStrideBytes());
        Tile part =
            new Tile(
                0,
                TensorRole.FFN_DOWN,
                0,
                type,
                0,
                23,
                0,
                panelColumns,
                panelColumns,
                0,
                tile.panelStrideBytes(),
                List.of());
        matMul.addProduct(part, bytes, whole, panel * panelColumns, alone, 0, 23, 0, 2);
        for (int i = 0; i < expected.length; i++) {
          int token = i / 23;
          double grid = Math.scalb(1.0, -token);
          expected[i] += token == 0 ? alone[i] : Math.rint(alone[i] / grid) * grid;
        }
      }
      assertArrayEquals(expected, sums.values(), 0);
    }
  }

  /** A rank's tile may meet only some columns of the input. */
  @Test
  void shouldStartAtAColumnOfTheInput() {
    Random random = new Random(1);
    try (Arena arena = Arena.ofConfined()) {
      Weights w = weights(arena, GgmlType.Q4_1, 16, 1, 64, 0.1f, random);
      float[] x = random(6 * 96, random);
      float[] right = new float[6 * 64];
      for (int token = 0; token < 6; token++) {
        System.arraycopy(x, token * 96 + 32, right, token * 64, 64);
      }
      float[] expected = new float[6 * 16];
      Activations alone = activations(GgmlType.Q4_1, right, 6, 64);
      new MatMul().addProduct(w.tile(), w.bytes(), alone, 0, expected, 0, 16, 0, 1);
      float[] actual = new float[6 * 16];
      Activations whole = activations(GgmlType.Q4_1, x, 6, 96);
      new MatMul().addProduct(w.tile(), w.bytes(), whole, 32, actual, 0, 16, 0, 1);
      assertArrayEquals(expected, actual, 0);
    }
  }

  @Test
  void shouldRefuseWhatItCannotReach() {
    try (Arena arena = Arena.ofConfined()) {
      Weights w = weights(arena, GgmlType.Q8_0, 4, 1, 64, 1, new Random(1));
      Tile tile = w.tile();
      Activations x = activations(GgmlType.Q8_0, new float[128], 2, 64);
      MatMul matMul = new MatMul();
      float[] y = new float[8];
      MemorySegment part = w.bytes().asSlice(1);
      assertRefused(() -> matMul.addProduct(tile, part, x, 0, y, 0, 4, 0, 1));
      assertRefused(() -> matMul.addProduct(tile, w.bytes(), x, 32, y, 0, 4, 0, 1));
      assertRefused(() -> matMul.addProduct(tile, w.bytes(), x, 0, y, 1, 4, 0, 1));
      assertRefused(() -> matMul.addProduct(tile, w.bytes(), x, 0, y, 0, 4, 0, 2));
      MemorySegment heap = MemorySegment.ofArray(new byte[tile.lengthBytes()]);
      assertThrows(
          IllegalArgumentException.class, () -> matMul.addProduct(tile, heap, x, 0, y, 0, 4, 0, 1));
      assertRefused(() -> x.set(new float[128], 2, 65));
    }
  }

  private static void assertRefused(Runnable call) {
    assertThrows(IndexOutOfBoundsException.class, call::run);
  }

  /** HotSpot allocates vectors silently where it cannot inline. */
  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldNotAllocateOnceCompiled(GgmlType type) {
    Assumptions.assumeTrue(
        Lanes.COUNT <= FloatVector.SPECIES_PREFERRED.length(),
        "this machine has no vectors of " + Lanes.FLOATS.vectorBitSize() + " bits");
    var memory = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    MatMul matMul = new MatMul();
    int tokens = 5;
    try (Arena arena = Arena.ofConfined()) {
      Weights w = weights(arena, type, 25, 2, 256, 0.01f, new Random(1));
      Tile tile = w.tile();
      float[] x = random(tokens * tile.columnCount(), new Random(2));
      Activations activations = new Activations(tokens, tile.columnCount(), List.of(type));
      float[] y = new float[tokens * tile.rowCount()];
      long least = Long.MAX_VALUE;
      for (int i = 0; i < 20_000 && least > 0; i++) {
        long before = memory.getCurrentThreadAllocatedBytes();
        activations.set(x, tokens, tile.columnCount());
        activations.prepare(type);
        matMul.addProduct(tile, w.bytes(), activations, 0, y, 0, tile.rowCount(), 0, 2);
        least = Math.min(least, memory.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, type.toString());
    }
  }
}
