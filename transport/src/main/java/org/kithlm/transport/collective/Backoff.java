package org.kithlm.transport.collective;

import java.util.concurrent.TimeUnit;
import org.kithlm.transport.media.Media;

/**
 * How the owning thread waits: it yields for as long as a wake-up would take, then sleeps until a
 * datagram comes. As a sleeping driver runs no timers, it sleeps for a fraction of what it has
 * waited so far and looks again: lost datagrams are asked for in time, and a long wait costs next
 * to no CPU. Over a slow link nothing ever comes so soon, so after some waits in which it yielded
 * in vain only one in many begins with that. Owned by that thread.
 */
final class Backoff {
  private static final long YIELD_NS = 50_000;
  private static final int WAITS_IN_VAIN_MAX = 16;
  private static final int WAITS_PER_TRIAL = 64;
  private static final long SLEEP_MIN_MS = 1;
  private static final long SLEEP_MAX_MS = 50;
  private static final int SLEEP_DIVISOR = 16;

  private final Media media;
  private int waitsInVain; // in a row
  private boolean yielding;

  Backoff(Media media) {
    this.media = media;
  }

  /** Waits once, {@code waitedNs} after the wait began, as there is nothing to do. */
  void idle(long waitedNs) {
    boolean isEarly = waitedNs < YIELD_NS;
    if (isEarly && (waitsInVain < WAITS_IN_VAIN_MAX || waitsInVain % WAITS_PER_TRIAL == 0)) {
      yielding = true;
      media.giveWay();
      return;
    }
    if (yielding || isEarly) { // this is the first sleep of the wait
      waitsInVain++;
      yielding = false;
    }
    media.await(sleepMs(waitedNs));
  }

  /** There was something to do while it waited. */
  void worked() {
    if (yielding) {
      waitsInVain = 0;
      yielding = false;
    }
  }

  /** How long to sleep after {@code waitedNs}. */
  static long sleepMs(long waitedNs) {
    long fraction = TimeUnit.NANOSECONDS.toMillis(waitedNs) / SLEEP_DIVISOR;
    return Math.clamp(fraction, SLEEP_MIN_MS, SLEEP_MAX_MS);
  }
}
