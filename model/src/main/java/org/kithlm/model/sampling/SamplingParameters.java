package org.kithlm.model.sampling;

import java.util.Map;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 is greedy
 * @param topK keep the k likeliest, 0 for all
 * @param topP keep the likeliest whose probabilities add up to this, 1 for all
 * @param minP keep those at least this fraction of the likeliest, 0 for all
 * @param repetitionPenalty divides positive and multiplies negative logits of seen tokens, 1 for
 *     none
 * @param presencePenalty subtracted once from logits of generated tokens, 0 for none
 * @param frequencyPenalty subtracted per occurrence from logits of generated tokens, 0 for none
 * @param logitBias added to the logits of these tokens
 * @param seed of the random choice
 */
public record SamplingParameters(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float presencePenalty,
    float frequencyPenalty,
    Map<Integer, Float> logitBias,
    long seed) {

  /** The likeliest token each time. */
  public static SamplingParameters greedy() {
    return new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(), 0);
  }

  /** The same with another seed. */
  public SamplingParameters withSeed(long other) {
    return new SamplingParameters(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        presencePenalty,
        frequencyPenalty,
        logitBias,
        other);
  }

  /**
   * How many of the likeliest tokens' logits it takes to choose a token as if all were known;
   * {@link Integer#MAX_VALUE} for all.
   */
  public int wantedLogits() {
    boolean areAdjusted =
        repetitionPenalty != 1
            || presencePenalty != 0
            || frequencyPenalty != 0
            || !logitBias.isEmpty();
    if (areAdjusted || (temperature > 0 && topK == 0)) {
      return Integer.MAX_VALUE;
    }
    return temperature == 0 ? 1 : topK;
  }

  /** Checks every range; the message names the field and its value. */
  public SamplingParameters {
    logitBias = Map.copyOf(logitBias);
    check(temperature >= 0 && temperature <= 100, "temperature", temperature, "0 to 100");
    check(topK >= 0, "top_k", topK, "at least 0");
    check(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    check(minP >= 0 && minP <= 1, "min_p", minP, "0 to 1");
    check(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "repetition_penalty",
        repetitionPenalty,
        "above 0 and at most 100");
    check(Math.abs(presencePenalty) <= 2, "presence_penalty", presencePenalty, "-2 to 2");
    check(Math.abs(frequencyPenalty) <= 2, "frequency_penalty", frequencyPenalty, "-2 to 2");
  }

  private static void check(boolean ok, String field, float value, String range) {
    if (!ok) {
      throw new IllegalArgumentException(field + "=" + value + " is out of range: " + range);
    }
  }
}
