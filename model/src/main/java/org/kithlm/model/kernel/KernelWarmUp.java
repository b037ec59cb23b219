package org.kithlm.model.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;

/**
 * Gets the kernels compiled on a few rows of zeros. Until HotSpot has compiled it, a kernel makes
 * an object of each vector and takes a hundred times as long: a first step over all weights of a
 * model would keep every core busy for seconds that the compiler could use.
 */
public final class KernelWarmUp {
  /** A product that takes longer per weight and token is not compiled yet: ten times too long. */
  private static final double COMPILED_NS_PER_WEIGHT = 5;

  private static final int COLUMNS = 512;

  /** Compiling takes a second or two, but starting JVMs may share a slow device's cores. */
  static final Duration TIMEOUT = Duration.ofSeconds(60);

  /** Leaves the core to the compiler after each product. */
  private static final long PAUSE_NS = 500_000;

  private final @Nullable NativeKernels kernels;
  private final MatMul matMul;
  private final float[] y = new float[Activations.TOKENS * RowGroups.ROWS];

  private KernelWarmUp(@Nullable NativeKernels kernels) {
    this.kernels = kernels;
    matMul = new MatMul(kernels);
  }

  /** Returns when the kernels of these types are compiled, or after a minute. */
  public static void run(Set<GgmlType> types) {
    run(types, TIMEOUT);
  }

  /** Returns true when the kernels of these types are compiled, false when the time is over. */
  public static boolean run(Set<GgmlType> types, Duration timeout) {
    return run(types, timeout, KernelChoice.current());
  }

  static boolean run(Set<GgmlType> types, Duration timeout, @Nullable NativeKernels kernels) {
    try (Arena arena = Arena.ofConfined()) {
      return new KernelWarmUp(kernels).run(types, timeout.toNanos(), arena);
    }
  }

  private boolean run(Set<GgmlType> types, long timeoutNs, Arena arena) {
    List<Product> cold = new ArrayList<>();
    for (GgmlType type : types) {
      Tile tile = tile(type);
      MemorySegment zeros = arena.allocate(tile.lengthBytes(), Long.BYTES);
      cold.add(new Product(tile, zeros, 1, kernels));
      cold.add(new Product(tile, zeros, Activations.TOKENS, kernels));
    }
    long startNs = System.nanoTime();
    while (!cold.isEmpty() && System.nanoTime() - startNs < timeoutNs) {
      cold.removeIf(this::isCompiled);
      LockSupport.parkNanos(PAUSE_NS);
    }
    return cold.isEmpty();
  }

  private boolean isCompiled(Product product) {
    long startNs = System.nanoTime();
    matMul.addProduct(
        product.tile,
        product.bytes,
        product.x,
        0,
        y,
        0,
        RowGroups.ROWS,
        0,
        product.tile.groupCount());
    long weights = (long) RowGroups.ROWS * COLUMNS * product.x.tokenCount();
    return System.nanoTime() - startNs < COMPILED_NS_PER_WEIGHT * weights;
  }

  private static Tile tile(GgmlType type) {
    int lengthBytes = Math.toIntExact(RowGroups.ROWS * type.bytes(COLUMNS));
    return new Tile(
        0,
        TensorRole.FFN_UP,
        0,
        type,
        0,
        RowGroups.ROWS,
        0,
        COLUMNS,
        COLUMNS,
        0,
        lengthBytes,
        List.of());
  }

  private static final class Product {
    private final Tile tile;
    private final MemorySegment bytes;
    private final Activations x;

    Product(Tile tile, MemorySegment bytes, int tokenCount, @Nullable NativeKernels kernels) {
      this.tile = tile;
      this.bytes = bytes;
      x = new Activations(tokenCount, COLUMNS, EnumSet.of(tile.type()), kernels);
      x.set(new float[tokenCount * COLUMNS], tokenCount, COLUMNS);
      x.prepare(tile.type());
    }
  }
}
