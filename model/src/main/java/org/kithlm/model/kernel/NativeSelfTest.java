package org.kithlm.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/** Compares native products with those of the Java kernels, bit for bit. */
final class NativeSelfTest {
  private static final long SEED = 11;
  private static final int ROWS = 24;
  private static final int COLUMNS = 512;

  /** One; fewer and more than a group of 16. */
  private static final int[] TOKENS = {1, 3, 17};

  private NativeSelfTest() {}

  /** The first difference, for the user; null if there is none. */
  static @Nullable String difference(NativeKernels kernels) {
    try (Arena arena = Arena.ofConfined()) {
      for (GgmlType type : GgmlType.values()) {
        for (int tokens : TOKENS) {
          if (NativeKernels.support(type) && !agree(kernels, type, tokens, arena)) {
            return type + " with " + tokens + " tokens differs from Java";
          }
        }
      }
    }
    return null;
  }

  private static boolean agree(NativeKernels kernels, GgmlType type, int tokens, Arena arena) {
    Random random = new Random(SEED);
    int bytes = Math.toIntExact(RowGroups.padded(ROWS) * type.bytes(COLUMNS));
    Tile tile =
        new Tile(0, TensorRole.FFN_UP, 0, type, 0, ROWS, 0, COLUMNS, COLUMNS, 0, bytes, List.of());
    MemorySegment weights = arena.allocate(bytes, Integer.BYTES);
    for (int i = 0; i < bytes; i++) { // f16 numbers between 2^-7 and 2^-3 in size
      weights.set(ValueLayout.JAVA_BYTE, i, (byte) ((random.nextInt() & 0x8F) | 0x20));
    }
    float[] x = new float[tokens * COLUMNS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    float[] expected = product(tile, weights, x, tokens, null);
    float[] actual = product(tile, weights, x, tokens, kernels);
    for (int i = 0; i < expected.length; i++) {
      if (Float.floatToRawIntBits(expected[i]) != Float.floatToRawIntBits(actual[i])) {
        return false;
      }
    }
    return true;
  }

  private static float[] product(
      Tile tile, MemorySegment weights, float[] x, int tokens, @Nullable NativeKernels kernels) {
    Activations inputs = new Activations(tokens, COLUMNS, EnumSet.of(tile.type()), kernels);
    inputs.set(x, tokens, COLUMNS);
    inputs.prepare(tile.type());
    float[] y = new float[tokens * ROWS];
    new MatMul(kernels).addProduct(tile, weights, inputs, 0, y, 0, ROWS, 0, tile.groupCount());
    return y;
  }
}
