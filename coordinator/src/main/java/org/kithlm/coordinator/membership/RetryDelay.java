package org.kithlm.coordinator.membership;

import java.time.Duration;

/**
 * How long to wait after failures in a row: not at all after the first, which may have been
 * another's fault, then 1 s, 2 s, 4 s and so on up to five minutes. Owned by the coordinator's
 * actor.
 */
final class RetryDelay {
  private static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofMinutes(5);

  private Duration next = Duration.ZERO;
  private int failures;

  /** Counts a failure and tells how long to wait. */
  Duration failed() {
    Duration delay = next;
    Duration doubled = delay.multipliedBy(2);
    next = delay.isZero() ? FIRST : doubled.compareTo(LONGEST) < 0 ? doubled : LONGEST;
    failures++;
    return delay;
  }

  /** All is well: the next failure is a first one again. */
  void succeeded() {
    next = Duration.ZERO;
    failures = 0;
  }

  /** An error for users, with what follows from it. */
  String describe(String reason, Duration delay) {
    return delay.isZero()
        ? reason
        : "%s (failure %d in a row, tried again after %d s)"
            .formatted(reason, failures, delay.toSeconds());
  }
}
