package org.kithlm.coordinator.generation;

import org.kithlm.model.transformer.StepRuns;

/**
 * How many texts a request asks for. They are made together, a token of each in a step.
 *
 * @param count 1 to {@link StepRuns#MAX}
 * @param firstFinish whether the others are given up when the first has ended
 */
public record Choices(int count, boolean firstFinish) {
  /** One text. */
  public static final Choices ONE = new Choices(1, false);

  /** Checks the count. */
  public Choices {
    if (count < 1 || count > StepRuns.MAX) {
      throw new IllegalArgumentException(
          "count=" + count + " is out of range: 1 to " + StepRuns.MAX);
    }
  }
}
