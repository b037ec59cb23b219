package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class RecentTimesTest {
  private final RecentTimes times = new RecentTimes();

  @Test
  void shouldKnowNothingAtFirst() {
    assertEquals(0, times.sorted().percentileMs(50));
  }

  @Test
  void shouldTakeTheNearestRank() {
    for (int ms = 100; ms >= 1; ms--) {
      times.add(ms * 1_000_000L);
    }

    RecentTimes.Sorted sorted = times.sorted();
    assertEquals(50, sorted.percentileMs(50));
    assertEquals(99, sorted.percentileMs(99));
    assertEquals(100, sorted.percentileMs(100));
    assertEquals(1, sorted.percentileMs(0));
  }

  @Test
  void shouldForgetTheOldest() {
    times.add(9_000_000);
    for (int i = 0; i < RecentTimes.CAPACITY; i++) {
      times.add(2_500_000);
    }

    assertEquals(2.5, times.sorted().percentileMs(100));
  }

  @Test
  void shouldBoundWhatItCannotHold() {
    times.add(Long.MAX_VALUE);

    assertEquals(Integer.MAX_VALUE / 1000.0, times.sorted().percentileMs(50));
  }
}
