package org.kithlm.deploy.cluster;

import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
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
   * @param failure why it makes no sense to wait any longer, null while it does; asked at each
   *     change and once a second
   * @throws KithException if there is a failure or the time is over; the message says what was
   *     missing
   */
  public ClusterView awaitReady(long timeoutSeconds, Supplier<@Nullable String> failure)
      throws InterruptedException {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
    lock.lock();
    try {
      while (true) {
        ClusterView newest = view;
        if (newest != null && newest.phase() == ClusterView.Phase.READY) {
          return newest;
        }
        String error = failure.get();
        if (error != null) {
          throw new KithException(ExitCode.OTHER, error);
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

  /** What last went wrong in this process, null if nothing did. */
  public @Nullable String rootError() {
    ClusterView newest = view();
    return newest == null ? null : error(newest.nodes().getFirst());
  }

  /** What last went wrong in a process of the cluster, null if nothing did. */
  public @Nullable String anyError() {
    ClusterView newest = view();
    return newest == null
        ? null
        : newest.nodes().stream()
            .map(ClusterWatch::error)
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
  }

  private static @Nullable String error(ClusterView.NodeView node) {
    return node.lastError() == null ? null : node.name() + ": " + node.lastError();
  }
}
