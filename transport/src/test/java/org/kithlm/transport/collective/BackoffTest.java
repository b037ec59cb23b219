package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BackoffTest {
  @Test
  void shouldYieldForAsLongAsAWakeUpTakes() {
    assertEquals(0, Backoff.sleepMs(0));
    assertEquals(0, Backoff.sleepMs(49_999));
  }

  @Test
  void shouldSleepForASmallPartOfTheWait() {
    assertEquals(1, Backoff.sleepMs(50_000));
    assertEquals(10, Backoff.sleepMs(TimeUnit.MILLISECONDS.toNanos(160)));
  }

  @Test
  void shouldLookAtItsTimersAlsoAfterHours() {
    assertEquals(50, Backoff.sleepMs(TimeUnit.HOURS.toNanos(5)));
  }
}
