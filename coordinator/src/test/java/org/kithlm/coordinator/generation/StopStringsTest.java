package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopStringsTest {
  private static final long SEED = 7;

  @Test
  void shouldHoldBackWhatMayBecomeAStop() {
    StopStrings stops = new StopStrings(List.of("END"));
    assertEquals("a", stops.accept("aE"));
    assertEquals("", stops.accept("N"));
    assertFalse(stops.isMatched());
    assertEquals("ENx", stops.accept("x"));
  }

  @Test
  void shouldEndBeforeTheFirstStop() {
    StopStrings stops = new StopStrings(List.of("b", "abc"));
    assertEquals("x", stops.accept("xabcd"));
    assertTrue(stops.isMatched());
    assertEquals("", stops.accept("more") + stops.flush());
  }

  @Test
  void shouldGiveHeldTextAtTheEnd() {
    StopStrings stops = new StopStrings(List.of("END", ""));
    assertEquals("", stops.accept("EN"));
    assertEquals("EN", stops.flush());
  }

  @Test
  void shouldNotDependOnHowTextArrives() {
    Random random = new Random(SEED);
    for (int round = 0; round < 2000; round++) {
      String text = letters(random, 20);
      List<String> stopList = List.of(letters(random, 3) + "a", letters(random, 2) + "b");
      int end = text.length();
      for (String stop : stopList) {
        int at = text.indexOf(stop);
        end = at >= 0 && at < end ? at : end;
      }
      StopStrings stops = new StopStrings(stopList);
      StringBuilder answer = new StringBuilder();
      for (int from = 0; from < text.length(); ) {
        int to = Math.min(text.length(), from + 1 + random.nextInt(4));
        answer.append(stops.accept(text.substring(from, to)));
        from = to;
      }
      answer.append(stops.flush());
      String context = "seed=" + SEED + " round=" + round + " " + text + " " + stopList;
      assertTrue(text.startsWith(answer.toString()), context);
      assertEquals(end < text.length(), stops.isMatched(), context);
    }
  }

  private static String letters(Random random, int max) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(max + 1); i > 0; i--) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
