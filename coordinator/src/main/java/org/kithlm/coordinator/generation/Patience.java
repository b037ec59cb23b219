package org.kithlm.coordinator.generation;

/**
 * How long a generation may wait in all between two tokens of its answer: one that makes no
 * progress must not be kept for ever. Times are those of {@link System#nanoTime}. Not thread-safe.
 */
final class Patience {
  private final long limitNs;
  private long waitedNs;
  private long sinceNs;
  private int tokensBefore;

  /**
   * Full patience.
   *
   * @param limitNs how long it lasts
   */
  Patience(long limitNs) {
    this.limitNs = limitNs;
  }

  /**
   * A wait begins.
   *
   * @param tokens of the answer so far
   */
  void begin(long nowNs, int tokens) {
    if (tokens > tokensBefore) {
      waitedNs = 0;
    }
    tokensBefore = tokens;
    sinceNs = nowNs;
  }

  /** The wait is over; the result is how long it was, in nanoseconds. */
  long end(long nowNs) {
    long lastedNs = nowNs - sinceNs;
    waitedNs += lastedNs;
    return lastedNs;
  }

  /** Whether the wait that has begun has lasted too long. */
  boolean isOver(long nowNs) {
    return waitedNs + nowNs - sinceNs >= limitNs;
  }
}
