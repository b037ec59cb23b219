package org.kithlm.deploy.cluster;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/**
 * Remembers the newest state of a cluster and lets a command wait for it to be ready. Thread-safe.
 */
public final class ClusterWatch implements Consumer<ClusterView> {
  private static final long CHECK_SECONDS = 1;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private @Nullable ClusterView view;
  private @Nullable Consumer<ClusterView> listener;

  @Override
  public void accept(ClusterView newest) {
    lock.lock();
    try {
      view = newest;
      changed.signalAll();
      if (listener != null) {
        listener.accept(newest);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Tells the newest state, if any, and each later one, in order; the listener must be quick. */
  public void onChange(Consumer<ClusterView> newListener) {
    lock.lock();
    try {
      listener = newListener;
      if (view != null) {
        newListener.accept(view);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The newest state, or null before the first. */
  public @Nullable ClusterView view() {
    lock.lock();
    try {
      return view;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until requests are answered.
   *
   * @param nodesAlive whether it still makes sense to wait
   * @throws KithException if a rank cannot load, a node ended or the time is over; the message says
   *     what was missing
   */
  public ClusterView awaitReady(long timeoutSeconds, BooleanSupplier nodesAlive)
      throws InterruptedException {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
    lock.lock();
    try {
      while (true) {
        ClusterView newest = view;
        if (newest != null && newest.phase() == ClusterView.Phase.READY) {
          return newest;
        }
        String error = newest == null ? null : firstError(newest);
        if (error != null) {
          throw new KithException(ExitCode.OTHER, error);
        }
        if (!nodesAlive.getAsBoolean()) {
          throw new KithException(
              ExitCode.OTHER, "a node process ended while the cluster started; see its log");
        }
        if (System.nanoTime() >= deadlineNs) {
          throw new KithException(
              ExitCode.UNREACHABLE,
              "the cluster is not ready after " + timeoutSeconds + " s: " + newest);
        }
        changed.await(CHECK_SECONDS, TimeUnit.SECONDS);
      }
    } finally {
      lock.unlock();
    }
  }

  private static @Nullable String firstError(ClusterView view) {
    for (ClusterView.NodeView node : view.nodes()) {
      if (node.lastError() != null) {
        return node.name() + ": " + node.lastError();
      }
    }
    return null;
  }
}
