package org.kithlm.node.rank;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.transformer.Allreduce;

/**
 * A rank's sums, with clocks. They are formed on the rank's thread or, where that computes
 * meanwhile, on one beside it, which has the session until the sum is there. Owned by the rank's
 * thread but for the clocks.
 */
final class RankSums implements Allreduce, AutoCloseable {
  private final ExecutorService beside; // has a thread once a sum has begun
  private final AtomicLong waitedNs = new AtomicLong();
  private final RecentTimes durations = new RecentTimes();
  private Allreduce collective = Allreduce.alone();
  private @Nullable Future<?> begun;

  RankSums(int rank) {
    beside =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("kith-sums-" + rank).daemon().factory());
  }

  /** Sums over ranks from now on. */
  void connect(Allreduce connected) {
    collective = connected;
  }

  /** Without clocks, for what is no part of the layers. */
  Allreduce collective() {
    return collective;
  }

  /** Time for which the rank's thread has waited for sums. Any thread. */
  long waitedNs() {
    return waitedNs.get();
  }

  /** Counts time for which the rank's thread waited for others. */
  void addWaitedNs(long ns) {
    waitedNs.addAndGet(ns);
  }

  /** What the last sums have taken. Any thread. */
  RecentTimes.Sorted durations() {
    return durations.sorted();
  }

  @Override
  public void sum(int layer, Block block, double[] partial, float[] sum, int length) {
    waitedNs.addAndGet(timed(layer, block, partial, sum, length));
  }

  private long timed(int layer, Block block, double[] partial, float[] sum, int length) {
    long start = System.nanoTime();
    collective.sum(layer, block, partial, sum, length);
    long duration = System.nanoTime() - start;
    durations.add(duration);
    return duration;
  }

  @Override
  public void gather(int layer, Block block, double[] partial, float[] sum, int[] ends) {
    long start = System.nanoTime();
    collective.gather(layer, block, partial, sum, ends);
    waitedNs.addAndGet(System.nanoTime() - start);
  }

  @Override
  public void begin(int layer, Block block, double[] partial, float[] sum, int length) {
    begun = beside.submit(() -> timed(layer, block, partial, sum, length));
  }

  @Override
  public void finish() {
    Future<?> sum = begun;
    if (sum == null) {
      return;
    }
    begun = null;
    long start = System.nanoTime();
    try {
      sum.get(); // the session has deadlines
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a sum was formed", e);
    } finally {
      waitedNs.addAndGet(System.nanoTime() - start);
    }
  }

  @Override
  public void close() {
    beside.shutdownNow();
  }
}
