package org.kithlm.node.rank;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.kithlm.node.control.RankAssignment;

/**
 * The place for the weights of this process: one rank at a time, as two would need twice the
 * memory. A rank ends its step before it gives them back, and the next plan may come before that.
 * Any thread.
 */
public final class WeightSlot {
  /** The load before may read a large slice from a slow disk. */
  private static final long WAIT_SECONDS = 600;

  private boolean taken;
  private long newest;

  /**
   * Waits until the weights before are closed, then loads; otherwise as {@link RankWeights#load}.
   *
   * @throws TimeoutException if they are not closed within ten minutes
   * @throws IllegalStateException if a later call waits for them too: only the newest is of use
   */
  public RankWeights load(Path pack, RankAssignment assignment, long processBytes)
      throws IOException, InterruptedException, TimeoutException {
    take();
    AtomicBoolean held = new AtomicBoolean(true);
    Runnable giveBack =
        () -> {
          if (held.getAndSet(false)) {
            giveBack();
          }
        };
    try {
      return RankWeights.load(pack, assignment, processBytes).onClose(giveBack);
    } catch (Throwable failure) {
      giveBack.run();
      throw failure;
    }
  }

  private synchronized void take() throws InterruptedException, TimeoutException {
    long ticket = ++newest;
    notifyAll();
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (taken) {
      long leftNs = deadlineNs - System.nanoTime();
      if (leftNs <= 0) {
        throw new TimeoutException(
            "the weights of the plan before are still in use after " + WAIT_SECONDS + " s");
      }
      TimeUnit.NANOSECONDS.timedWait(this, leftNs);
      if (ticket != newest) {
        throw new IllegalStateException("a newer plan has come");
      }
    }
    taken = true;
  }

  private synchronized void giveBack() {
    taken = false;
    notifyAll();
  }
}
