package org.kithlm.transport.collective;

import java.util.concurrent.TimeUnit;
import org.kithlm.transport.media.Media;

/**
 * How the owning thread waits: it yields for as long as a wake-up would take, then sleeps until a
 * datagram comes. As a sleeping driver runs no timers, it sleeps for a fraction of what it has
 * waited so far and looks again: lost datagrams are asked for in time, and a long wait costs next
 * to no CPU.
 */
final class Backoff {
  private static final long YIELD_NS = 50_000;
  private static final long SLEEP_MIN_MS = 1;
  private static final long SLEEP_MAX_MS = 50;
  private static final int SLEEP_DIVISOR = 16;

  private Backoff() {}

  /** How long to sleep after {@code waitedNs}; 0 to yield. */
  static long sleepMs(long waitedNs) {
    if (waitedNs < YIELD_NS) {
      return 0;
    }
    long fraction = TimeUnit.NANOSECONDS.toMillis(waitedNs) / SLEEP_DIVISOR;
    return Math.clamp(fraction, SLEEP_MIN_MS, SLEEP_MAX_MS);
  }

  /** Waits once. */
  static void idle(Media media, long waitedNs) {
    long sleepMs = sleepMs(waitedNs);
    if (sleepMs == 0) {
      media.giveWay();
    } else {
      media.await(sleepMs);
    }
  }
}
