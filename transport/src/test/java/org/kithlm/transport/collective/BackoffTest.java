package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BackoffTest {
  @Test
  void shouldYieldWhileARoundTripMayStillEnd() {
    assertEquals(0, Backoff.parkNs(0));
    assertEquals(0, Backoff.parkNs(199_999));
  }

  @Test
  void shouldParkForASmallPartOfTheWait() {
    assertEquals(50_000, Backoff.parkNs(200_000));
    assertEquals(1_000_000, Backoff.parkNs(16_000_000));
  }

  @Test
  void shouldStartAStepWithinMillisecondsAfterHours() {
    assertTrue(Backoff.parkNs(TimeUnit.HOURS.toNanos(5)) <= 10_000_000);
  }
}
