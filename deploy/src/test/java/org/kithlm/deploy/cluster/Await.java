package org.kithlm.deploy.cluster;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Waits for what other processes do, which can only be looked at again and again. */
final class Await {
  private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(50);

  private Await() {}

  /** Waits until a condition holds; fails with {@code what} when the time is over. */
  static void until(String what, Duration timeout, Callable<Boolean> condition) throws Exception {
    long deadlineNs = System.nanoTime() + timeout.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > deadlineNs) {
        throw new AssertionError("not within " + timeout.toSeconds() + " s: " + what);
      }
      LockSupport.parkNanos(LOOK_NS);
    }
  }
}
