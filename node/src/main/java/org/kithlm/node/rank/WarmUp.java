package org.kithlm.node.rank;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.kithlm.model.transformer.Allreduce;
import org.kithlm.model.transformer.ForwardPass;

/**
 * Runs made-up tokens through a rank's layers before the first request, so that the JVM compiles
 * the kernels for the shapes of this model while nobody waits for a token: cold kernels are a
 * hundred times slower. Owned by the rank's thread.
 */
final class WarmUp implements Allreduce {
  private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(5);

  /** How often to look whether the compiler rests. */
  private static final long INTERVAL_NS = TimeUnit.MILLISECONDS.toNanos(200);

  /** It rests when it has worked for less than this share of an interval. */
  private static final double RESTING = 0.2;

  /** Tokens of the prefill steps; kernels take four at a time. */
  private static final int BATCH_TOKENS = 8;

  private static final int DECODE_STEPS = 3;

  private static final class Over extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
  private final long startNs = System.nanoTime();
  private long intervalStartNs = startNs;
  private int stepsRun;
  private long compiledMs = compiler.getTotalCompilationTime();

  /**
   * Runs steps of several and of single tokens in turn; it ends in the middle of one.
   *
   * @param pass sums by this object
   * @param hidden scratch for the longest step, of which there are {@code tokensMax}
   * @param head what follows each step
   */
  void run(ForwardPass pass, float[] hidden, int tokensMax, Runnable head) {
    try {
      for (; ; stepsRun++) {
        int tokens = stepsRun % (DECODE_STEPS + 1) == 0 ? Math.min(BATCH_TOKENS, tokensMax) : 1;
        for (int i = 0; i < hidden.length; i++) {
          hidden[i] = (i % 7 - 3) * 0.01f;
        }
        pass.forward(hidden, tokens, 0);
        head.run();
      }
    } catch (Over e) {
      Arrays.fill(hidden, 0);
    }
  }

  /** Sums nothing; ends the warm-up when the compiler rests or the time is over. */
  @Override
  public void sum(int layer, Block block, float[] values, int length) {
    long now = System.nanoTime();
    long intervalNs = now - intervalStartNs;
    if (intervalNs < INTERVAL_NS) {
      return;
    }
    long before = compiledMs;
    compiledMs = compiler.getTotalCompilationTime();
    intervalStartNs = now;
    boolean resting =
        TimeUnit.MILLISECONDS.toNanos(compiledMs - before) < RESTING * intervalNs && stepsRun > 2;
    if (resting || now - startNs > TIMEOUT_NS) {
      throw new Over();
    }
  }
}
