package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.transport.StepHeader;

class RunFieldsTest {
  private static final int WIDTH = 3;

  private final float[] message = new float[20 * WIDTH + RunFields.FLOATS_MAX];

  private StepRuns sent(StepRuns runs) {
    int length = RunFields.append(runs, message, runs.tokenCount() * WIDTH);
    StepHeader header = new StepHeader(5, runs.startPosition(0), runs.tokenCount(), length);
    StepRuns read = new StepRuns().addStem(1, 1);
    RunFields.read(header, message, WIDTH, read);
    return read;
  }

  @Test
  void shouldTellRunsOfBranches() {
    StepRuns runs = new StepRuns();
    for (int sequence = 0; sequence < StepRuns.MAX; sequence++) {
      runs.add(sequence, 131_000, 131_071 - sequence, 1 + sequence % 3);
    }
    StepRuns read = sent(runs);
    assertEquals(runs.count(), read.count());
    for (int run = 0; run < runs.count(); run++) {
      assertEquals(runs.sequence(run), read.sequence(run));
      assertEquals(131_000, read.stemLength(run));
      assertEquals(runs.startPosition(run), read.startPosition(run));
      assertEquals(runs.tokenCount(run), read.tokenCount(run));
    }
  }

  @Test
  void shouldLeaveARunOfTheStemToTheHeader() {
    StepRuns read = sent(new StepRuns().addStem(17, 4));
    assertTrue(read.isStemOnly());
    assertEquals(17, read.startPosition(0));
    assertEquals(4, read.tokenCount(0));
    int length = RunFields.append(new StepRuns().addStem(17, 4), message, 4 * WIDTH);
    assertEquals(4 * WIDTH + 3, length);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 40, StepRuns.ALL_LOGITS})
  void shouldTellHowManyLogitsAreWanted(int wanted) {
    assertEquals(wanted, sent(new StepRuns().addStem(17, 4).wantLogits(wanted)).wantedLogits());
    StepRuns branch = new StepRuns().add(1, 5, 5, 2).wantLogits(wanted);
    assertEquals(wanted, sent(branch).wantedLogits());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldTellWhetherSumsOverlap(boolean overlap) {
    assertEquals(overlap, sent(new StepRuns().addStem(17, 4).overlapSums(overlap)).overlapsSums());
    StepRuns branch = new StepRuns().add(1, 5, 5, 2).overlapSums(overlap);
    assertEquals(overlap, sent(branch).overlapsSums());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldTellWhetherRanksShareTokens(boolean share) {
    StepRuns stem = new StepRuns().addStem(17, 4).overlapSums(!share).shareTokens(share);
    assertEquals(share, sent(stem).sharesTokens());
    assertEquals(!share, sent(stem).overlapsSums());
    StepRuns branch = new StepRuns().add(1, 5, 5, 2).shareTokens(share);
    assertEquals(share, sent(branch).sharesTokens());
  }

  @Test
  void shouldRefuseFieldsThatDoNotAgreeWithTheHeader() {
    StepRuns runs = new StepRuns().add(1, 5, 5, 2).add(2, 5, 5, 1);
    int length = RunFields.append(runs, message, 3 * WIDTH);
    for (StepHeader wrong :
        new StepHeader[] {
          new StepHeader(5, 5, 3, length - 1), // half a run
          new StepHeader(5, 5, 3, length - 4), // a run is missing
          new StepHeader(5, 5, 3, length + RunFields.FLOATS_MAX), // more than there can be
        }) {
      assertThrows(
          IllegalStateException.class,
          () -> RunFields.read(wrong, message, WIDTH, new StepRuns()),
          wrong::toString);
    }
  }

  @Test
  void shouldRefusePositionsThatFloatsDoNotHold() {
    StepRuns far = new StepRuns().add(1, 5, (1 << 24) + 1, 1);
    assertThrows(IllegalArgumentException.class, () -> RunFields.append(far, message, WIDTH));
  }
}
