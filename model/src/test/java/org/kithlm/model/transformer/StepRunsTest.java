package org.kithlm.model.transformer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StepRunsTest {
  @Test
  void shouldPlaceTokensBehindThoseOfRunsBefore() {
    StepRuns runs = new StepRuns().add(0, 5, 7, 1).add(3, 5, 5, 4).add(1, 5, 9, 2);
    assertEquals(3, runs.count());
    assertEquals(7, runs.tokenCount());
    assertEquals(1, runs.firstToken(1));
    assertEquals(5, runs.firstToken(2));
    assertEquals(4, runs.tokenCount(1));
    assertFalse(runs.isStemOnly());
    assertTrue(runs.clear().addStem(4, 9).isStemOnly());
    assertEquals(9, runs.tokenCount());
    assertFalse(runs.clear().add(0, 4, 4, 1).isStemOnly());
  }

  @Test
  void shouldRefuseWhatIsNoRun() {
    assertRefused(StepRuns.MAX, 5, 5, 1);
    assertRefused(-1, 5, 5, 1);
    assertRefused(2, -1, 5, 1);
    assertRefused(2, 5, 4, 1); // in the stem
    assertRefused(0, 5, 4, 1);
    assertRefused(2, 5, 5, 0);
    assertRefused(1, 5, 9, 1); // twice
  }

  private static void assertRefused(int sequence, int stemLength, int start, int count) {
    StepRuns runs = new StepRuns().add(1, 5, 5, 1);
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> runs.add(sequence, stemLength, start, count))
            .toString();
    assertTrue(message.contains("sequence=" + sequence + " "), message);
    assertEquals(1, runs.count());
  }
}
