package org.kithlm.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/**
 * Speed of a type's kernels in Java and in C, in turn on one thread, on weights that a cache holds.
 *
 * @param type of the weights
 * @param javaOne products of a weight and an input per nanosecond, one token at a time
 * @param nativeOne the same in C
 * @param javaMany with 64 tokens at a time
 * @param nativeMany the same in C
 */
public record KernelComparison(
    GgmlType type, double javaOne, double nativeOne, double javaMany, double nativeMany) {
  private static final int ROWS = 256;
  private static final int COLUMNS = 2048;
  private static final int MANY_TOKENS = 64;

  /** A kernel runs until it has got no faster for so long: it may be compiled once more. */
  private static final long SETTLED_NS = TimeUnit.MILLISECONDS.toNanos(300);

  private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(5);

  /** What counts as faster. */
  private static final double NOTABLY = 0.98;

  /** Small f16 numbers, so that no product is exceptional. */
  private static final byte FILLING = 0x22;

  /** Measures all types that have native kernels: some seconds, as Java's are compiled first. */
  public static List<KernelComparison> measure(NativeKernels kernels) {
    List<KernelComparison> results = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      for (GgmlType type : GgmlType.values()) {
        if (NativeKernels.support(type)) {
          results.add(measure(type, kernels, arena));
        }
      }
    }
    return results;
  }

  /**
   * Whether the native kernels are worth having: faster with many tokens, in the mean over types,
   * and with one token no slower than measurements differ.
   */
  public static boolean areFaster(List<KernelComparison> results) {
    double many = results.stream().mapToDouble(r -> Math.log(r.nativeMany / r.javaMany)).sum();
    double one = results.stream().mapToDouble(r -> Math.log(r.nativeOne / r.javaOne)).sum();
    return many > 0 && one > results.size() * Math.log(0.95);
  }

  private static KernelComparison measure(GgmlType type, NativeKernels kernels, Arena arena) {
    KernelWarmUp.run(EnumSet.of(type), KernelWarmUp.TIMEOUT, null);
    int lengthBytes = Math.toIntExact(ROWS * type.bytes(COLUMNS));
    Tile tile =
        new Tile(
            0, TensorRole.FFN_UP, 0, type, 0, ROWS, 0, COLUMNS, COLUMNS, 0, lengthBytes, List.of());
    MemorySegment weights = arena.allocate(lengthBytes, Long.BYTES).fill(FILLING);
    Runnable javaOne = product(tile, weights, 1, null);
    Runnable nativeOne = product(tile, weights, 1, kernels);
    Runnable javaMany = product(tile, weights, MANY_TOKENS, null);
    Runnable nativeMany = product(tile, weights, MANY_TOKENS, kernels);
    double products = (double) ROWS * COLUMNS;
    return new KernelComparison(
        type,
        products / bestNs(javaOne),
        products / bestNs(nativeOne),
        MANY_TOKENS * products / bestNs(javaMany),
        MANY_TOKENS * products / bestNs(nativeMany));
  }

  private static Runnable product(
      Tile tile, MemorySegment weights, int tokens, @Nullable NativeKernels kernels) {
    float[] x = new float[tokens * COLUMNS];
    Arrays.fill(x, 1);
    Activations inputs = new Activations(tokens, COLUMNS, EnumSet.of(tile.type()), kernels);
    MatMul matMul = new MatMul(kernels);
    float[] y = new float[tokens * ROWS];
    return () -> {
      inputs.set(x, tokens, COLUMNS);
      inputs.prepare(tile.type());
      matMul.addProduct(tile, weights, inputs, 0, y, 0, ROWS, 0, tile.groupCount());
    };
  }

  private static long bestNs(Runnable run) {
    long best = Long.MAX_VALUE;
    long startNs = System.nanoTime();
    long betterNs = startNs;
    long nowNs = startNs;
    while (nowNs - betterNs < SETTLED_NS && nowNs - startNs < TIMEOUT_NS) {
      run.run();
      long tookNs = System.nanoTime() - nowNs;
      nowNs += tookNs;
      if (tookNs < best) {
        betterNs = tookNs < best * NOTABLY ? nowNs : betterNs;
        best = tookNs;
      }
    }
    return best;
  }
}
