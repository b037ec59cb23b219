package org.kithlm.node.rank;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.transport.StepAbortedException;

/**
 * Takes made-up tokens through all ranks before the first request, so that the JVMs compile kernels
 * and transport for the shapes of this model while nobody waits for a token. The leaves follow, as
 * in any step; how long a step takes tells how far their compilers are. Owned by the root's thread.
 */
final class WarmUp {
  /** How often to look whether steps still get faster. */
  private static final long INTERVAL_NS = TimeUnit.MILLISECONDS.toNanos(250);

  /** So many intervals in a row without a faster step are enough. */
  private static final int STEADY_INTERVALS = 6;

  /** Steps are faster if they take less than this share of the time of the fastest so far. */
  private static final double FASTER = 0.95;

  /** The root's compiler rests when it has worked for less than this share of an interval. */
  private static final double RESTING = 0.2;

  /** Every so many steps is one of several tokens, as in prefill. */
  private static final int BATCH_EVERY = 4;

  /** Kernels take four tokens at a time, and what is left over one by one. */
  private static final int BATCH_TOKENS = 9;

  private final CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
  private final RootRank root;
  private final int[] tokens;
  private final StepRuns runs = new StepRuns();
  private long fastestNs = Long.MAX_VALUE;
  private long compiledMs = compiler.getTotalCompilationTime();

  WarmUp(RootRank root) {
    this.root = root;
    tokens = new int[Math.min(BATCH_TOKENS, root.maxTokens())];
  }

  /**
   * Runs steps until they get no faster, or for as long as is allowed.
   *
   * @throws RuntimeException if a rank is lost
   */
  void run(Duration timeout) {
    long startNs = System.nanoTime();
    int steadyIntervals = 0;
    while (steadyIntervals < STEADY_INTERVALS && System.nanoTime() - startNs < timeout.toNanos()) {
      steadyIntervals = isSteady() ? steadyIntervals + 1 : 0;
    }
  }

  /**
   * Runs one step, or what of it there is time for: where each step reads weights from disk.
   *
   * @throws RuntimeException if a rank is lost
   */
  void runOnce(Duration timeout) {
    CountDownLatch ended = new CountDownLatch(1);
    Thread.ofVirtual().name("kith-warm-up-watch").start(() -> abortUnless(ended, timeout));
    try {
      step(tokens.length);
    } catch (StepAbortedException e) {
      // the time is over
    } finally {
      ended.countDown();
    }
  }

  private void abortUnless(CountDownLatch ended, Duration timeout) {
    try {
      if (!ended.await(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        root.abort();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs steps for an interval; whether they were no faster than those before. */
  private boolean isSteady() {
    long startNs = System.nanoTime();
    long durationNs = 0;
    long sumNs = 0;
    int steps = 0;
    while (durationNs < INTERVAL_NS) {
      step(tokens.length);
      for (int i = 1; i < BATCH_EVERY; i++) {
        sumNs += step(1);
        steps++;
      }
      durationNs = System.nanoTime() - startNs;
    }
    long meanNs = sumNs / steps;
    boolean faster = meanNs < FASTER * fastestNs;
    fastestNs = faster ? meanNs : fastestNs;
    long nowMs = compiler.getTotalCompilationTime();
    boolean resting = TimeUnit.MILLISECONDS.toNanos(nowMs - compiledMs) < RESTING * durationNs;
    compiledMs = nowMs;
    return resting && !faster;
  }

  /** Returns how long it took. */
  private long step(int tokenCount) {
    long startNs = System.nanoTime();
    root.step(tokens, 0, runs.clear().addStem(0, tokenCount).wantLogits(1));
    return System.nanoTime() - startNs;
  }
}
