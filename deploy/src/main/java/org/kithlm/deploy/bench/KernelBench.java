package org.kithlm.deploy.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.KernelProbe;
import org.kithlm.model.kernel.KernelWarmUp;
import org.kithlm.model.kernel.Workers;

/**
 * Speed of the matrix kernels on weights that no cache holds, beside the rate at which the same
 * threads merely read memory. Owned by one thread, which the workers help.
 */
public final class KernelBench implements AutoCloseable {
  private static final long WEIGHTS_BYTES = 128L << 20;
  private static final int PREFILL_TOKENS = 64;

  /** A test is repeated for this long, and the median of its runs counts. */
  private static final long TEST_NS = TimeUnit.SECONDS.toNanos(1);

  private final Arena arena = Arena.ofShared();
  private final MemorySegment weights = arena.allocate(WEIGHTS_BYTES, 64);
  private final Workers workers;

  /**
   * Allocates the weights.
   *
   * @param workers closed by the caller
   */
  public KernelBench(Workers workers) {
    this.workers = workers;
  }

  /**
   * A kernel's speed.
   *
   * @param type of the weights
   * @param decodeGbPerSecond bytes of weights that one token passes
   * @param decodeGflops two operations for each weight
   * @param prefillGflops the same with many tokens at a time
   */
  public record Result(
      GgmlType type, double decodeGbPerSecond, double decodeGflops, double prefillGflops) {}

  /** Gigabytes per second at which the threads read memory. */
  public double streamGbPerSecond() {
    LongAdder sink = new LongAdder(); // so that nothing read is left out
    double seconds =
        medianSeconds(() -> workers.run((index, count) -> sink.add(sum(index, count))));
    return WEIGHTS_BYTES / seconds / 1e9;
  }

  /** Measures one type. */
  public Result measure(GgmlType type) {
    KernelWarmUp.run(EnumSet.of(type));
    KernelProbe probe = new KernelProbe(workers, weights); // the last one's holds large outputs
    KernelProbe.Product decode = probe.product(type, 1);
    KernelProbe.Product prefill = probe.product(type, PREFILL_TOKENS);
    double decodeSeconds = medianSeconds(decode.run());
    double prefillSeconds = medianSeconds(prefill.run());
    double operations = 2.0 * decode.weightCount();
    return new Result(
        type,
        decode.lengthBytes() / decodeSeconds / 1e9,
        operations / decodeSeconds / 1e9,
        operations * PREFILL_TOKENS / prefillSeconds / 1e9);
  }

  private long sum(int index, int count) {
    long end = share((int) (WEIGHTS_BYTES >> 12), index + 1, count) * 4096L;
    long sum = 0;
    for (long at = share((int) (WEIGHTS_BYTES >> 12), index, count) * 4096L; at < end; at += 8) {
      sum += weights.get(ValueLayout.JAVA_LONG, at);
    }
    return sum;
  }

  private static int share(int units, int index, int count) {
    return (int) ((long) units * index / count);
  }

  private static double medianSeconds(Runnable run) {
    run.run();
    long[] tookNs = new long[1000];
    int runs = 0;
    long startNs = System.nanoTime();
    for (long nowNs = startNs; nowNs - startNs < TEST_NS && runs < tookNs.length; runs++) {
      run.run();
      tookNs[runs] = System.nanoTime() - nowNs;
      nowNs += tookNs[runs];
    }
    Arrays.sort(tookNs, 0, runs);
    return tookNs[runs / 2] / 1e9;
  }

  @Override
  public void close() {
    arena.close();
  }
}
