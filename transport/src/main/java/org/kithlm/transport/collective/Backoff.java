package org.kithlm.transport.collective;

import java.util.concurrent.locks.LockSupport;

/**
 * How the owning thread waits: it yields for a round trip's time, then parks for a fraction of what
 * it has waited so far, so that parking adds at most that fraction to a wait, and a long wait costs
 * next to no CPU.
 */
final class Backoff {
  private static final long YIELD_NS = 200_000;
  private static final long PARK_MIN_NS = 50_000;
  private static final long PARK_MAX_NS = 10_000_000;
  private static final int PARK_DIVISOR = 16;

  private Backoff() {}

  /** How long to park after {@code waitedNs}; 0 to yield. */
  static long parkNs(long waitedNs) {
    if (waitedNs < YIELD_NS) {
      return 0;
    }
    return Math.clamp(waitedNs / PARK_DIVISOR, PARK_MIN_NS, PARK_MAX_NS);
  }

  /** Waits once. */
  @SuppressWarnings("ThreadPriorityCheck") // yielding is for latency only; parking follows
  static void idle(long waitedNs) {
    long parkNs = parkNs(waitedNs);
    if (parkNs == 0) {
      Thread.yield();
    } else {
      LockSupport.parkNanos(parkNs);
    }
  }
}
