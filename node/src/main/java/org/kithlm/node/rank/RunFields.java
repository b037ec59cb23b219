package org.kithlm.node.rank;

import org.kithlm.model.transformer.StepRuns;
import org.kithlm.transport.StepHeader;

/**
 * Tells leaves what follows the embedding rows of a step: how many logits are wanted, whether sums
 * overlap with computing and whether ranks share the tokens, in a float each, then its runs in four
 * floats each. A step that is one run of the stem alone is told by the header.
 */
final class RunFields {
  private static final int OF_STEP = 3;
  private static final int PER_RUN = 4;

  /** Floats behind the rows at most. */
  static final int FLOATS_MAX = OF_STEP + PER_RUN * StepRuns.MAX;

  /** Up to here floats are exact integers; no context is as long. */
  private static final int INTEGER_MAX = 1 << 24;

  /** Stands for all logits; no vocabulary is as large. */
  private static final int ALL = INTEGER_MAX;

  private RunFields() {}

  /**
   * Writes them.
   *
   * @param floats the message, with room for {@link #FLOATS_MAX} more
   * @param rowsLength floats that it holds
   * @return floats that it holds now
   */
  static int append(StepRuns runs, float[] floats, int rowsLength) {
    int end = rowsLength;
    floats[end++] = Math.min(runs.wantedLogits(), ALL);
    floats[end++] = runs.overlapsSums() ? 1 : 0;
    floats[end++] = runs.sharesTokens() ? 1 : 0;
    if (runs.isStemOnly()) {
      return end;
    }
    for (int run = 0; run < runs.count(); run++) {
      floats[end++] = runs.sequence(run);
      floats[end++] = exact(runs.stemLength(run));
      floats[end++] = exact(runs.startPosition(run));
      floats[end++] = exact(runs.tokenCount(run));
    }
    return end;
  }

  private static int exact(int value) {
    if (value > INTEGER_MAX) {
      throw new IllegalArgumentException("position " + value + " is beyond " + INTEGER_MAX);
    }
    return value;
  }

  /**
   * Reads them.
   *
   * @param floats the message
   * @param width floats of a token's embedding row
   * @param into filled anew
   * @throws IllegalStateException if they do not agree with the header
   */
  static void read(StepHeader header, float[] floats, int width, StepRuns into) {
    into.clear();
    int next = header.tokenCount() * width;
    if (header.length() >= next + OF_STEP) {
      int wanted = (int) floats[next++];
      into.wantLogits(wanted == ALL ? StepRuns.ALL_LOGITS : Math.max(0, wanted));
      into.overlapSums(floats[next++] != 0);
      into.shareTokens(floats[next++] != 0);
    }
    if (header.length() == next) {
      into.addStem(header.startPosition(), header.tokenCount());
      return;
    }
    boolean whole = header.length() - next < FLOATS_MAX && (header.length() - next) % PER_RUN == 0;
    for (; whole && next < header.length(); next += PER_RUN) {
      into.add(
          (int) floats[next],
          (int) floats[next + 1],
          (int) floats[next + 2],
          (int) floats[next + 3]);
    }
    if (!whole || into.tokenCount() != header.tokenCount()) {
      throw new IllegalStateException(
          "a step of " + header + " tells of " + into.tokenCount() + " tokens of width " + width);
    }
  }
}
