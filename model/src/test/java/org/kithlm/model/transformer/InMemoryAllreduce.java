package org.kithlm.model.transformer;

import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Sums in rank order between threads of one JVM. */
final class InMemoryAllreduce {
  private static final int TIMEOUT_SECONDS = 120;

  private final SumRounding rounding;
  private final double[][] partials;
  private final CyclicBarrier barrier;

  InMemoryAllreduce(int worldSize, SumRounding rounding) {
    this.rounding = rounding;
    partials = new double[worldSize][];
    barrier = new CyclicBarrier(worldSize);
  }

  /** The port of one rank. */
  Allreduce port(int rank) {
    return (layer, block, partial, sum, length) -> {
      partials[rank] = Arrays.copyOf(partial, length);
      rounding.roundPartials(partials[rank], length);
      await();
      double[] all = new double[length];
      for (double[] terms : partials) {
        for (int i = 0; i < length; i++) {
          all[i] += terms[i];
        }
      }
      rounding.roundSums(all, length);
      for (int i = 0; i < length; i++) {
        sum[i] = (float) all[i];
      }
      await();
    };
  }

  private void await() {
    try {
      barrier.await(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new IllegalStateException("another rank failed", e);
    }
  }
}
