package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.kv.PageName;
import org.kithlm.node.rank.PageFields.Verb;
import org.kithlm.transport.StepHeader;

class PageFieldsTest {
  private static final int WIDTH = 8;

  private final float[] floats = new float[1000];

  @Test
  void shouldReadWhatItWrote() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int count : new int[] {1, 2, 3, 16, PageFields.namesMax(floats.length)}) {
      List<PageName> names =
          Stream.generate(() -> new PageName(random.nextLong(), random.nextLong()))
              .limit(count)
              .toList();
      for (Verb verb : Verb.values()) {
        float[] message = PageFields.write(verb, names);
        StepHeader header = new StepHeader(3, 70, PageFields.tokens(count), message.length);
        assertTrue(PageFields.areIn(header, WIDTH));
        assertEquals(
            new PageFields.Message(verb, names), PageFields.read(header, message), "seed=" + seed);
      }
    }
  }

  @Test
  void shouldTakeAllBitsOfAName() {
    List<PageName> names = List.of(new PageName(-1, Long.MIN_VALUE), new PageName(0xffff, 0));
    float[] message = PageFields.write(Verb.KEEP, names);
    StepHeader header = new StepHeader(0, 0, PageFields.tokens(2), message.length);
    assertEquals(names, PageFields.read(header, message).names());
  }

  @Test
  void shouldTakeNoStepForNames() {
    for (int tokens = 1; tokens < 100; tokens++) {
      StepRuns runs = new StepRuns().addStem(5, tokens);
      assertFalse(areIn(runs, tokens));
      assertFalse(areIn(new StepRuns().add(1, 3, 5, tokens), tokens));
    }
  }

  private boolean areIn(StepRuns runs, int tokens) {
    int length = RunFields.append(runs, floats, tokens * WIDTH);
    return PageFields.areIn(new StepHeader(0, runs.startPosition(0), tokens, length), WIDTH);
  }

  @Test
  void shouldRefuseWhatDoesNotAgreeWithItsHeader() {
    float[] message = PageFields.write(Verb.KEEP, List.of(new PageName(1, 2)));
    int length = message.length;
    for (StepHeader header :
        List.of(
            new StepHeader(0, 0, PageFields.tokens(2), length),
            new StepHeader(0, 0, PageFields.tokens(1), length + 1),
            new StepHeader(0, 0, PageFields.tokens(1), length - 1))) {
      assertThrows(IllegalStateException.class, () -> PageFields.read(header, message));
    }
    message[0] = 0;
    assertThrows(
        IllegalStateException.class,
        () -> PageFields.read(new StepHeader(0, 0, PageFields.tokens(1), length), message));
  }
}
