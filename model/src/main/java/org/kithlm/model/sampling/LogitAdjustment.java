package org.kithlm.model.sampling;

import java.util.Map;

/**
 * Changes the logits of single tokens: first the bias, then the repetition penalty, then presence
 * and frequency penalties. Not thread-safe; its array is reused.
 */
final class LogitAdjustment {
  private final SamplingParameters parameters;
  private final boolean penalizes;
  private int[] seen = {}; // per token: 0 never seen, else 1 + how often it was generated

  LogitAdjustment(SamplingParameters parameters) {
    this.parameters = parameters;
    penalizes =
        parameters.repetitionPenalty() != 1
            || parameters.presencePenalty() != 0
            || parameters.frequencyPenalty() != 0;
    for (Map.Entry<Integer, Float> bias : parameters.logitBias().entrySet()) {
      if (!(bias.getValue() < Float.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "logit_bias of token "
                + bias.getKey()
                + " is "
                + bias.getValue()
                + ": give a number, or -Infinity to ban the token");
      }
    }
  }

  /** Adjusts in place. The arguments are those of {@link Sampler#choose}. */
  void apply(float[] logits, int[] tokens, int promptLength, int length) {
    for (Map.Entry<Integer, Float> bias : parameters.logitBias().entrySet()) {
      int token = bias.getKey();
      if (token < 0 || token >= logits.length) {
        throw new IllegalArgumentException(
            "logit_bias names token " + token + ", the vocabulary has " + logits.length);
      }
      logits[token] = finiteAbove(logits[token] + bias.getValue());
    }
    if (!penalizes) {
      return;
    }
    if (seen.length != logits.length) {
      seen = new int[logits.length];
    }
    for (int i = 0; i < length; i++) {
      int token = tokens[i];
      if (seen[token] == 0) {
        seen[token] = 1;
      }
      if (i >= promptLength) {
        seen[token]++;
      }
    }
    for (int i = 0; i < length; i++) {
      int token = tokens[i];
      if (seen[token] > 0) {
        logits[token] = penalize(logits[token], seen[token] - 1);
        seen[token] = 0;
      }
    }
  }

  private float penalize(float logit, int generated) {
    float penalty = parameters.repetitionPenalty();
    float result = logit > 0 ? logit / penalty : logit * penalty;
    if (generated > 0) {
      result -= parameters.presencePenalty() + generated * parameters.frequencyPenalty();
    }
    return finiteAbove(result);
  }

  /** Replaces +Infinity by the largest float, so that no later difference is NaN. */
  static float finiteAbove(float logit) {
    return Math.min(logit, Float.MAX_VALUE);
  }
}
