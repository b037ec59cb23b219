package org.kithlm.transport.collective;

import java.util.concurrent.TimeUnit;
import org.kithlm.transport.media.Media;

/**
 * How the owning thread waits: it yields for as long as a wake-up would take, then sleeps until a
 * datagram comes. As a sleeping driver runs no timers, it sleeps for a fraction of what it has
 * waited so far and looks again: lost datagrams are asked for in time, and a long wait costs next
 * to no CPU.
 *
 * <p>Over a slow link nothing ever comes as soon as a round begins, though the datagrams of a
 * vector follow one another closely. So after some long first waits of rounds it sleeps at once in
 * those, until one is short, and so in the waits that follow the first.
 *
 * <p>A long vector comes as a train of datagrams, slower than this rank takes them. To wake up for
 * each costs more than to take it, so in a train the thread naps, whatever comes, and then takes
 * all that has come meanwhile. Owned by that thread.
 */
final class Backoff {
  private static final long YIELD_NS = 50_000;

  // Far more than the time to yield: in shorter waits it keeps the core from idling too deeply.
  private static final long LONG_NS = 10 * YIELD_NS;
  private static final int LONG_WAITS = 16;

  // What makes a train: waits in a round. That of a decode step has fewer datagrams, or hardly
  // more.
  private static final int TRAIN_WAITS = 16;

  // Two datagrams at 100 Mbit/s, and a tenth of a link's window at 1 Gbit/s.
  private static final long NAP_NS = 200_000;

  private static final long SLEEP_MIN_MS = 1;
  private static final long SLEEP_MAX_MS = 50;
  private static final int SLEEP_DIVISOR = 16;

  private static final int FIRST = 0;
  private static final int LATER = 1;

  private final Media media;
  private final int[] longWaits = new int[2]; // in a row, by kind
  private int kind = LATER;
  private boolean inRound;
  private boolean idled; // in this wait
  private int waits; // in this round, that had to idle

  Backoff(Media media) {
    this.media = media;
  }

  /** A round begins. */
  void begin() {
    kind = FIRST;
    inRound = true;
    waits = 0;
  }

  /** The round is over. */
  void end() {
    inRound = false;
  }

  /** Waits once, {@code waitedNs} after the wait began, as there is nothing to do. */
  void idle(long waitedNs) {
    idled = true;
    if (inRound && waits >= TRAIN_WAITS && waitedNs < NAP_NS) {
      media.nap(NAP_NS);
    } else if (waitedNs < YIELD_NS && longWaits[kind] < LONG_WAITS) {
      media.giveWay();
    } else {
      media.await(sleepMs(waitedNs));
    }
  }

  /** What was awaited has come, {@code waitedNs} after the wait began. */
  void ended(long waitedNs) {
    longWaits[kind] = waitedNs < LONG_NS ? 0 : longWaits[kind] + 1;
    kind = LATER;
    waits += idled ? 1 : 0;
    idled = false;
  }

  /** How long to sleep after {@code waitedNs}. */
  static long sleepMs(long waitedNs) {
    long fraction = TimeUnit.NANOSECONDS.toMillis(waitedNs) / SLEEP_DIVISOR;
    return Math.clamp(fraction, SLEEP_MIN_MS, SLEEP_MAX_MS);
  }
}
