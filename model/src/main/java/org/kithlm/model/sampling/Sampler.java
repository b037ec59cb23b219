package org.kithlm.model.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next token of one generation.
 *
 * <p>The order is: logit bias; repetition penalty over prompt and generated tokens (as in
 * llama.cpp: a positive logit is divided, another multiplied, once per distinct token); presence
 * and frequency penalties over generated tokens (OpenAI: {@code logit - presence - count *
 * frequency}); greedy choice where the temperature is 0; else top-k, temperature, top-p, min-p and
 * a draw. Top-k comes before the temperature because it only needs ranks, which the temperature
 * keeps, and leaves fewer tokens to weigh. Top-p comes after it so that its mass is that of the
 * distribution the token is drawn from. Min-p compares with the likeliest token alone, so after
 * top-p it needs no new sum. All three keep the first few of one order (higher logit first, then
 * lower id).
 *
 * <p>The draw runs over the kept tokens by id, not by rank: ranks of near ties may swap with the
 * rounding of another split over ranks, ids do not. One random number is used per token, none when
 * greedy; the same seed and logits give the same tokens.
 *
 * <p>A logit of -Infinity is a token that is never chosen; +Infinity counts as the largest float.
 * Not thread-safe; its arrays are reused between calls.
 */
public final class Sampler {
  private static final int NUCLEUS_FIRST = 256; // tokens tried for top-p; mostly enough
  private static final int NUCLEUS_GROWTH = 8;

  private final SamplingParameters parameters;
  private final LogitAdjustment adjustment;
  private final LikeliestTokens likeliest = new LikeliestTokens();
  private final SplittableRandom random;
  private float[] logits = {}; // adjusted
  private float[] weights = {}; // relative to the likeliest token, 0 for dropped ones

  /**
   * A token and the natural logarithm of its probability.
   *
   * @param token its id
   * @param logprob log-softmax of the raw logits: before bias, penalties, temperature and filters
   */
  public record Candidate(int token, float logprob) {}

  /**
   * A chosen token.
   *
   * @param token its id
   * @param logprob log-softmax of the raw logits: before bias, penalties, temperature and filters
   * @param top the likeliest tokens by raw logits, descending, equal ones by id
   */
  public record Choice(int token, float logprob, List<Candidate> top) {}

  /**
   * Starts the random sequence at the seed.
   *
   * @throws IllegalArgumentException where a logit bias is NaN or +Infinity
   */
  public Sampler(SamplingParameters parameters) {
    this.parameters = parameters;
    adjustment = new LogitAdjustment(parameters);
    random = new SplittableRandom(parameters.seed());
  }

  /**
   * Chooses a token.
   *
   * @param logits of the next token, one per id of the vocabulary; left unchanged
   * @param tokens ids so far: {@code [0, promptLength)} the prompt, {@code [promptLength, length)}
   *     the generated ones
   * @param promptLength tokens of the prompt
   * @param length tokens so far
   * @param topLogprobs how many of the likeliest tokens to report, 0 for none
   * @throws IllegalStateException where a logit is NaN or no token may be chosen
   * @throws IllegalArgumentException where a logit bias names no token of the vocabulary
   */
  public Choice choose(
      float[] logits, int[] tokens, int promptLength, int length, int topLogprobs) {
    return choose(logits, tokens, promptLength, length, topLogprobs, null);
  }

  /**
   * Chooses among the tokens that a filter allows; the rest is as above. Log probabilities are
   * those of the model, which knows no filter. What is chosen without the filter is taken where it
   * is allowed; only otherwise are tokens banned, before top-k and the other filters, and another
   * random number is used.
   *
   * @param filter null for none
   */
  public Choice choose(
      float[] logits,
      int[] tokens,
      int promptLength,
      int length,
      int topLogprobs,
      @Nullable TokenFilter filter) {
    if (promptLength < 0 || promptLength > length || length > tokens.length || topLogprobs < 0) {
      throw new IllegalArgumentException(
          "promptLength=%d length=%d tokens=%d topLogprobs=%d"
              .formatted(promptLength, length, tokens.length, topLogprobs));
    }
    copy(logits);
    float max = this.logits[greatest(this.logits)];
    double logSum = logSum(this.logits, max);
    likeliest.select(this.logits, topLogprobs);
    List<Candidate> top = new ArrayList<>(likeliest.length());
    for (int rank = 0; rank < likeliest.length(); rank++) {
      int token = likeliest.token(rank);
      top.add(new Candidate(token, logprob(this.logits[token], max, logSum)));
    }
    adjustment.apply(this.logits, tokens, promptLength, length);
    int token = pick();
    while (filter != null && !filter.allows(token)) {
      filter.ban(this.logits, token);
      token = pick();
    }
    float logprob = logprob(LogitAdjustment.finiteAbove(logits[token]), max, logSum);
    return new Choice(token, logprob, List.copyOf(top));
  }

  private int pick() {
    int best = greatest(logits);
    return parameters.temperature() == 0 ? best : draw(logits[best]);
  }

  private void copy(float[] raw) {
    if (logits.length != raw.length) {
      logits = new float[raw.length];
      weights = new float[raw.length];
    }
    for (int token = 0; token < raw.length; token++) {
      if (Float.isNaN(raw[token])) {
        throw new IllegalStateException(
            "logits hold NaN (first at token %d of %d): check the model file"
                .formatted(token, raw.length));
      }
      logits[token] = LogitAdjustment.finiteAbove(raw[token]);
    }
  }

  /** Logarithm of the sum of probabilities relative to the likeliest. */
  private static double logSum(float[] logits, float max) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - max);
    }
    return Math.log(sum);
  }

  private static float logprob(float logit, float max, double logSum) {
    return (float) ((double) logit - max - logSum);
  }

  /** Token with the highest logit, the lowest id among equals. */
  private static int greatest(float[] logits) {
    int best = -1;
    float max = Float.NEGATIVE_INFINITY;
    for (int token = 0; token < logits.length; token++) {
      if (logits[token] > max) {
        max = logits[token];
        best = token;
      }
    }
    if (best < 0) {
      throw new IllegalStateException(
          "no token may be chosen: all %d logits are -Infinity".formatted(logits.length));
    }
    return best;
  }

  private int draw(float max) {
    double sum = weigh(max, topK());
    double kept = keep(parameters.topP() < 1 ? nucleus(parameters.topP() * sum) : Long.MIN_VALUE);
    double rest = random.nextDouble() * kept;
    int chosen = -1;
    for (int token = 0; token < weights.length && rest >= 0; token++) {
      if (weights[token] > 0) {
        chosen = token;
        rest -= weights[token];
      }
    }
    return chosen; // the likeliest token has weight 1, so there is one
  }

  /** Least key that top-k keeps. */
  private long topK() {
    if (parameters.topK() == 0 || parameters.topK() >= logits.length) {
      return Long.MIN_VALUE;
    }
    likeliest.select(logits, parameters.topK());
    return likeliest.key(likeliest.length() - 1);
  }

  /** Weighs the tokens from a key up and returns the sum. */
  private double weigh(float max, long leastKey) {
    double temperature = parameters.temperature();
    double sum = 0;
    for (int token = 0; token < logits.length; token++) {
      weights[token] = 0;
      if (LikeliestTokens.key(logits[token], token) >= leastKey) {
        weights[token] = (float) Math.exp(((double) logits[token] - max) / temperature);
        sum += weights[token];
      }
    }
    return sum;
  }

  /** Least key of the fewest likeliest tokens that weigh at least so much together. */
  private long nucleus(double mass) {
    for (int count = NUCLEUS_FIRST; ; count = Math.min(NUCLEUS_GROWTH * count, logits.length)) {
      likeliest.select(logits, count);
      double sum = 0;
      for (int rank = 0; rank < likeliest.length(); rank++) {
        sum += weights[likeliest.token(rank)];
        if (sum >= mass) {
          return likeliest.key(rank);
        }
      }
      if (count >= logits.length) {
        return Long.MIN_VALUE; // the sum in another order came out a rounding error short
      }
    }
  }

  /** Drops tokens below a key and those min-p rules out; returns the sum of the others. */
  private double keep(long leastKey) {
    double sum = 0;
    for (int token = 0; token < weights.length; token++) {
      float weight = weights[token];
      if (weight > 0) {
        if (weight < parameters.minP() || LikeliestTokens.key(logits[token], token) < leastKey) {
          weights[token] = 0;
        } else {
          sum += weight;
        }
      }
    }
    return sum;
  }
}
