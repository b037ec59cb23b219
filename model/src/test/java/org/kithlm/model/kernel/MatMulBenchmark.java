package org.kithlm.model.kernel;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import org.kithlm.model.gguf.GgmlType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Products of matrices as models have them, for one token and for a part of a prompt. */
@SuppressWarnings("NullAway.Init") // JMH does that
public class MatMulBenchmark extends KernelBenchmark {
  /** Type of the weights. */
  @Param({"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "F16", "BF16", "F32"})
  public GgmlType type;

  /** Rows x columns: of a small model's query and down, and of a larger one's up and down. */
  @Param({"576x576", "576x1536", "8960x1536", "1536x8960"})
  public String shape;

  /** Tokens of a product. */
  @Param({"1", "64"})
  public int tokens;

  /** Threads that share its rows. */
  @Param("1")
  public int threads;

  /** Folder of native kernels that {@code kith doctor --build-native} has built; none for Java. */
  @Param("")
  public String nativeFolder;

  private final Arena arena = Arena.ofShared();
  private Workers workers;
  private Runnable product;

  /** Makes the matrix; rows that are no whole blocks of the type are longer. */
  @Setup
  public void prepare() {
    if (!nativeFolder.isEmpty()) {
      KernelChoice.make(KernelChoice.Wish.NATIVE, Path.of(nativeFolder));
    }
    String[] sides = shape.split("x", -1);
    int columns = Integer.parseInt(sides[1]);
    int padded = Math.ceilDiv(columns, type.blockLength()) * type.blockLength();
    long bytes = Integer.parseInt(sides[0]) * type.bytes(padded);
    workers = WorkerPool.of(threads);
    product =
        new KernelProbe(workers, arena.allocate(bytes, 64)).product(type, padded, tokens).run();
  }

  /** One product. */
  @Benchmark
  public void multiply() {
    product.run();
  }

  /** Ends the threads. */
  @TearDown
  public void close() {
    workers.close();
    arena.close();
  }
}
