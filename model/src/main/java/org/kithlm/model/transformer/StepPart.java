package org.kithlm.model.transformer;

import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.TermSums;

/**
 * Tokens of a step that go through a block together, with what they add to a sum: all of them, one
 * of two halves, of which one computes while the other's sum is on its way, or those of which this
 * rank alone computes attention. Owned by the rank's compute thread, but for the arrays of a sum
 * that has begun.
 */
final class StepPart {
  private final int hiddenSize;
  private final Allreduce.Block attention;
  private final Allreduce.Block ffn;
  private final TermSums partial;
  private final float[] sum;
  private final StepRuns own = new StepRuns();
  private StepRuns runs = own;
  private int firstToken;

  /**
   * No tokens yet.
   *
   * @param attention names its sums of attention
   * @param ffn names its sums of the FFN
   */
  StepPart(ModelConfig config, Allreduce.Block attention, Allreduce.Block ffn, int tokensMax) {
    hiddenSize = config.hiddenSize();
    this.attention = attention;
    this.ffn = ffn;
    partial = new TermSums(tokensMax, hiddenSize);
    sum = new float[tokensMax * hiddenSize];
  }

  /** Takes all tokens of a step. */
  void set(StepRuns all) {
    runs = all;
    firstToken = 0;
  }

  /** Takes some tokens of a step's only run. */
  void set(StepRuns only, int first, int count) {
    own.clear().add(only.sequence(0), only.stemLength(0), only.startPosition(0) + first, count);
    runs = own;
    firstToken = first;
  }

  /** Has the terms of a part of these tokens at their places, and zeros. */
  void takeTerms(StepPart part) {
    partial.clear(length());
    System.arraycopy(
        part.partial.values(), 0, partial.values(), part.offset() - offset(), part.length());
  }

  /** The same places as in the step, counted from this part's first token. */
  StepRuns runs() {
    return runs;
  }

  /** Index in the step of its first token. */
  int firstToken() {
    return firstToken;
  }

  int tokenCount() {
    return runs.tokenCount();
  }

  /** Floats of its hidden states. */
  int length() {
    return runs.tokenCount() * hiddenSize;
  }

  /** Where its hidden states start in those of the step. */
  int offset() {
    return firstToken * hiddenSize;
  }

  /** What this rank adds [tokens x hidden]. */
  TermSums partial() {
    return partial;
  }

  /** What all ranks add up to [tokens x hidden]. */
  float[] sum() {
    return sum;
  }

  /** Zeros, with the grid of each token, which follows from what the block is given. */
  void beginSums(float[] normed) {
    partial.clear(length());
    for (int token = 0; token < tokenCount(); token++) {
      partial.roundTo(token, SumGrid.exponent(normed, token * hiddenSize, hiddenSize));
    }
  }

  /** What a sum of its is called. */
  Allreduce.Block name(boolean ofAttention) {
    return ofAttention ? attention : ffn;
  }
}
