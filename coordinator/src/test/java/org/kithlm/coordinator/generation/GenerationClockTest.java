package org.kithlm.coordinator.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.kithlm.node.control.RankStatistics;

class GenerationClockTest {
  private static final long MS = 1_000_000;

  private long nowNs = 5 * MS;
  private RankStatistics used = used(100, 20, 3);
  private final GenerationClock clock = new GenerationClock(40, 8, () -> used, () -> nowNs);

  private static RankStatistics used(double computeMs, double collectiveMs, double diskWaitMs) {
    return new RankStatistics(1, 0, 0, 0, 0, computeMs, collectiveMs, diskWaitMs, 0, 0, 0, null);
  }

  private void pass(long ms, RankStatistics newUsed) {
    nowNs += ms * MS;
    used = newUsed;
  }

  private void token() {
    clock.tokenChosen();
    clock.tokenCounted();
    clock.roundEnded();
  }

  @Test
  void shouldCountTheFirstTokensOfAllTextsAsThoseOfTheFirst() {
    pass(70, used);
    for (int round = 0; round < 3; round++) {
      for (int text = 0; text < 4; text++) {
        clock.tokenChosen();
        clock.tokenCounted();
      }
      clock.roundEnded();
      pass(100, used);
    }
    assertEquals(12, clock.usage().completionTokens());
    assertEquals(8 / 0.2, clock.usage().tokensPerSecond(), 1e-9);
  }

  @Test
  void shouldSplitTheTimeBeforeAndAfterTheFirstToken() {
    pass(70, used(150, 30, 8));
    token();
    pass(100, used(210, 60, 9));
    token();
    clock.end();
    pass(1000, used(999, 999, 999));

    assertEquals(
        new GenerationTiming(
            GenerationTiming.State.ENDED,
            40,
            8,
            2,
            70,
            10,
            new GenerationTiming.Split(50, 10, 5),
            new GenerationTiming.Split(60, 30, 1)),
        clock.timing());
    assertEquals(new GenerationListener.Usage(40, 8, 2, 70, 10), clock.usage());
  }

  @Test
  void shouldTellOfAPrefillUnderWay() {
    pass(30, used(120, 25, 3));

    GenerationTiming timing = clock.timing();

    assertEquals(GenerationTiming.State.PREFILL, timing.state());
    assertEquals(30, timing.ttftMs());
    assertEquals(new GenerationTiming.Split(20, 5, 0), timing.untilFirstToken());
    assertEquals(new GenerationTiming.Split(0, 0, 0), timing.sinceFirstToken());
  }

  @Test
  void shouldTellOfADecodeUnderWay() {
    pass(30, used);
    token();
    assertEquals(0, clock.timing().tokensPerSecond());
    pass(20, used);
    token();

    assertEquals(GenerationTiming.State.DECODE, clock.timing().state());
    assertEquals(50, clock.timing().tokensPerSecond());
  }

  @Test
  void shouldTellNoTimeOfATokenThatNeverCame() {
    pass(30, used);
    clock.end();

    assertEquals(0, clock.usage().ttftMs());
    assertEquals(GenerationTiming.State.ENDED, clock.timing().state());
  }

  @Test
  void shouldCountNothingWhilePausedAndGoOnWithAnotherRank() {
    pass(70, used(150, 30, 8));
    token();
    pass(20, used(170, 40, 8));
    clock.pause();
    pass(500, used(999, 999, 999));
    used = used(5, 1, 0);
    clock.resume(() -> used);
    pass(30, used(20, 3, 2));
    clock.end();

    assertEquals(new GenerationTiming.Split(50, 10, 5), clock.timing().untilFirstToken());
    assertEquals(new GenerationTiming.Split(35, 12, 2), clock.timing().sinceFirstToken());
  }
}
