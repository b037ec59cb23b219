package org.kithlm.node.rank;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;

/**
 * Takes made-up tokens through all ranks before the first request, so that the JVMs compile kernels
 * and transport for the shapes of this model while nobody waits for a token. The leaves follow, as
 * in any step. Owned by the root's thread.
 */
final class WarmUp {
  private static final int TIMEOUT_SECONDS = 8;

  /** A JVM property for who would rather have a slower first answer sooner. */
  private static final long TIMEOUT_NS =
      TimeUnit.SECONDS.toNanos(Integer.getInteger("kith.warmUpSeconds", TIMEOUT_SECONDS));

  /** How often to look whether the compiler rests. */
  private static final long INTERVAL_NS = TimeUnit.MILLISECONDS.toNanos(250);

  /** It rests when it has worked for less than this share of an interval. */
  private static final double RESTING = 0.05;

  /** Every so many steps is one of several tokens, as in prefill. */
  private static final int BATCH_EVERY = 4;

  /** Kernels take four tokens at a time, and what is left over one by one. */
  private static final int BATCH_TOKENS = 9;

  private final CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();

  /**
   * Runs steps until the compiler rests.
   *
   * @throws RuntimeException if a rank is lost
   */
  void run(RootRank root) {
    int[] tokens = new int[Math.min(BATCH_TOKENS, root.maxTokens())];
    long startNs = System.nanoTime();
    long intervalStartNs = startNs;
    long compiledMs = compiler.getTotalCompilationTime();
    int restingIntervals = 0;
    for (int step = 1; restingIntervals < 3 && System.nanoTime() - startNs < TIMEOUT_NS; step++) {
      root.step(tokens, 0, step % BATCH_EVERY == 0 ? tokens.length : 1, 0);
      root.logits();
      long intervalNs = System.nanoTime() - intervalStartNs;
      if (intervalNs >= INTERVAL_NS && step > BATCH_EVERY) {
        long nowMs = compiler.getTotalCompilationTime();
        boolean resting = TimeUnit.MILLISECONDS.toNanos(nowMs - compiledMs) < RESTING * intervalNs;
        restingIntervals = resting ? restingIntervals + 1 : 0;
        compiledMs = nowMs;
        intervalStartNs = System.nanoTime();
      }
    }
  }
}
