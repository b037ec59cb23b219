package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SamplesTest {
  @Test
  void shouldLeaveOutTheFirstQuarter() {
    Samples samples = new Samples(0);
    for (long value : new long[] {900, 800, 5, 1, 4, 2, 3, 9}) {
      assertTrue(samples.isWanted());
      samples.add(value);
    }
    assertFalse(samples.isWanted(), "the time is over");
    assertEquals(4, samples.median()); // of 1 2 3 4 5 9
  }

  @Test
  void shouldEndWhereItIsFull() {
    Samples samples = new Samples(Long.MAX_VALUE);
    int count = 0;
    for (; samples.isWanted(); count++) {
      samples.add(count);
    }
    assertEquals(4096, count);
    assertEquals(1024 + 3072 / 2, samples.median());
  }
}
