package org.kithlm.model.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final long SEED = 20261123;
  private static final float INFINITY = Float.POSITIVE_INFINITY;
  private static final int[] NONE = {};

  @Test
  void shouldChooseLowestIdOfTiesWhenGreedy() {
    assertEquals(2, greedy(-3, 1, 4, 4, 4, 2));
    assertEquals(0, greedy(-0f, 0f));
    assertEquals(1, greedy(-5, -4, -6));
  }

  // Flat logits (spread 0.1) make the nucleus grow past its first tries, peaked ones end it early.
  @ParameterizedTest
  @CsvSource({
    "0, 1, 0, 1",
    "1, 1, 0, 1",
    "40, 1, 0, 1",
    "0, 0.9, 0, 1",
    "0, 0.3, 0, 1",
    "0, 1, 0.1, 1",
    "0, 1, 1, 1",
    "0, 1, 0, 0.5",
    "0, 1, 0, 2",
    "40, 0.9, 0.05, 0.8",
    "500, 0.95, 0.01, 1.5",
    "0, 0.0001, 0, 1"
  })
  void shouldDrawWhatAFullSortDraws(int topK, float topP, float minP, float temperature) {
    Random random = new Random(SEED);
    for (int trial = 0; trial < 150; trial++) {
      float spread = List.of(0.1f, 1f, 4f).get(trial % 3);
      float[] logits = randomLogits(random, 1 + random.nextInt(3000), spread);
      SamplingParameters parameters = filters(temperature, topK, topP, minP, trial);
      double[] expected = ReferenceDistribution.of(logits, parameters);
      SplittableRandom points = new SplittableRandom(trial);
      Sampler sampler = new Sampler(parameters);
      for (int draw = 0; draw < 3; draw++) {
        assertEquals(
            ReferenceDistribution.draw(expected, points.nextDouble()),
            choose(sampler, logits),
            "seed " + SEED + " trial " + trial + " draw " + draw);
      }
    }
  }

  @Test
  void shouldKeepExactlyWhatEachFilterNames() {
    // Probabilities 1/2, 1/4, 1/8, 1/16, 1/16; ids out of order.
    float[] logits = logs(0.0625f, 0.5f, 0.125f, 0.0625f, 0.25f);
    assertEquals(Set.of(0, 1, 2, 3, 4), drawn(logits, filters(1, 0, 1, 0, 1)));
    assertEquals(Set.of(1, 4), drawn(logits, filters(1, 2, 1, 0, 1)));
    assertEquals(Set.of(0, 1, 2, 4), drawn(logits, filters(1, 4, 1, 0, 1)), "lower id of a tie");
    assertEquals(Set.of(1, 4), drawn(logits, filters(1, 0, 0.7f, 0, 1)));
    assertEquals(Set.of(1, 2, 4), drawn(logits, filters(1, 0, 0.8f, 0, 1)));
    assertEquals(Set.of(1, 2, 4), drawn(logits, filters(1, 0, 1, 0.2f, 1)));
    // At temperature 0.5 the ratios square: 1/4 and 1/16 of the likeliest.
    assertEquals(Set.of(1, 4), drawn(logits, filters(0.5f, 0, 1, 0.2f, 1)));
    // Top-p counts only what top-k left: 0.5 of 0.75 is 0.67.
    assertEquals(Set.of(1), drawn(logits, filters(1, 2, 0.6f, 0, 1)));
  }

  @Test
  void shouldDrawInProportion() {
    float[] logits = randomLogits(new Random(SEED), 40, 1);
    SamplingParameters parameters = filters(0.8f, 20, 0.95f, 0.02f, SEED);
    double[] expected = ReferenceDistribution.of(logits, parameters);
    int[] counts = new int[logits.length];
    Sampler sampler = new Sampler(parameters);
    int draws = 100_000;
    for (int i = 0; i < draws; i++) {
      counts[choose(sampler, logits)]++;
    }
    double chiSquare = 0;
    int kept = 0;
    for (int token = 0; token < counts.length; token++) {
      double mean = draws * expected[token];
      if (mean == 0) {
        assertEquals(0, counts[token], "draws of dropped token " + token);
      } else {
        chiSquare += (counts[token] - mean) * (counts[token] - mean) / mean;
        kept++;
      }
    }
    // Mean kept - 1 and variance 2 (kept - 1): six standard deviations.
    double bound = kept - 1 + 6 * Math.sqrt(2.0 * (kept - 1));
    assertTrue(chiSquare < bound, "seed " + SEED + " chi-square " + chiSquare + " >= " + bound);
  }

  @Test
  void shouldRepeatTokensOfASeed() {
    float[] logits = randomLogits(new Random(SEED), 1000, 1);
    Sampler first = new Sampler(filters(1, 0, 0.9f, 0, 7));
    Sampler second = new Sampler(filters(1, 0, 0.9f, 0, 7));
    Sampler other = new Sampler(filters(1, 0, 0.9f, 0, 8));
    int differing = 0;
    for (int i = 0; i < 100; i++) {
      int token = choose(first, logits);
      assertEquals(token, choose(second, logits));
      differing += token == choose(other, logits) ? 0 : 1;
    }
    assertTrue(differing > 50, "another seed differed " + differing + " times of 100");
  }

  @Test
  void shouldPenalizeByTheFormulas() {
    // Token 0 in the prompt twice; 1 generated twice; 2 in both; 3 generated; 4 never seen.
    int[] tokens = {0, 2, 0, 1, 1, 2, 3};
    float[] logits = {6, 3, 4, -2, 1.5f};
    // Repetition 2: 6/2, 3/2, 4/2, -2*2. Presence 0.5 and frequency 0.25 per generated token:
    // 1.5 - 0.5 - 2*0.25 = 0.5; 2 - 0.75 = 1.25; -4 - 0.75 = -4.75.
    float[] expected = {3, 0.5f, 1.25f, -4.75f, 1.5f};
    float[] adjusted = logits.clone();
    LogitAdjustment adjustment = new LogitAdjustment(penalties(2, 0.5f, 0.25f, Map.of()));
    for (int call = 0; call < 2; call++) { // the second finds the scratch as the first did
      System.arraycopy(logits, 0, adjusted, 0, logits.length);
      adjustment.apply(adjusted, tokens, 3, tokens.length);
      assertArrayEquals(expected, adjusted);
    }
    // Bias comes first: (6 - 5) / 2, and token 4 rises over it.
    SamplingParameters biased = penalties(2, 0, 0, Map.of(0, -5f, 4, 100f));
    adjusted = logits.clone();
    new LogitAdjustment(biased).apply(adjusted, tokens, 3, 3);
    assertArrayEquals(new float[] {0.5f, 3, 2, -2, 101.5f}, adjusted);
    Sampler.Choice choice = new Sampler(biased).choose(logits, tokens, 3, 3, 1);
    assertEquals(4, choice.token());
    assertEquals(0, choice.top().getFirst().token(), "top is of the raw logits");
    assertEquals(ReferenceDistribution.logprob(logits, 4), choice.logprob(), 1e-6);
    assertArrayEquals(new float[] {6, 3, 4, -2, 1.5f}, logits, "left unchanged");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 20, 300, 5000})
  void shouldReportLogSoftmaxOfRawLogits(int topLogprobs) {
    Random random = new Random(SEED);
    Sampler sampler = new Sampler(filters(0.7f, 50, 0.9f, 0, 1));
    for (int trial = 0; trial < 20; trial++) {
      // Rounded, so that there are ties; both signs of zero among them.
      float[] logits = randomLogits(random, 1 + random.nextInt(1000), 6);
      for (int token = 0; token < logits.length; token++) {
        logits[token] = Math.round(4 * logits[token]) / (random.nextBoolean() ? 4f : -4f);
      }
      Sampler.Choice choice = sampler.choose(logits, NONE, 0, 0, topLogprobs);
      int[] order = ReferenceDistribution.order(logits);
      assertEquals(Math.min(topLogprobs, logits.length), choice.top().size());
      for (int rank = 0; rank < choice.top().size(); rank++) {
        Sampler.Candidate candidate = choice.top().get(rank);
        assertEquals(order[rank], candidate.token(), "seed " + SEED + " trial " + trial);
        if (rank < 20) {
          double expected = ReferenceDistribution.logprob(logits, candidate.token());
          assertEquals(expected, candidate.logprob(), 1e-6 * (1 + Math.abs(expected)));
        }
      }
      double expected = ReferenceDistribution.logprob(logits, choice.token());
      assertEquals(expected, choice.logprob(), 1e-6 * (1 + Math.abs(expected)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 9})
  void shouldRefuseNan(int first) {
    float[] logits = new float[10];
    Arrays.fill(logits, first, 10, Float.NaN);
    Sampler sampler = new Sampler(SamplingParameters.greedy());
    assertEquals(
        "logits hold NaN (first at token " + first + " of 10): check the model file",
        assertThrows(IllegalStateException.class, () -> choose(sampler, logits)).getMessage());
  }

  @Test
  void shouldTreatInfinityAsNeverAndAlways() {
    float[] never = {-INFINITY, 1, -INFINITY, 2};
    assertEquals(Set.of(1, 3), drawn(never, filters(1, 0, 1, 0, 1)));
    assertEquals(Set.of(1, 3), drawn(never, filters(2, 3, 0.99f, 0, 1)));
    float[] always = {5, INFINITY, 7, INFINITY};
    assertEquals(Set.of(1, 3), drawn(always, filters(1, 0, 0.99f, 0, 1)));
    Sampler.Choice choice = new Sampler(SamplingParameters.greedy()).choose(always, NONE, 0, 0, 3);
    assertEquals(1, choice.token());
    assertEquals(-Math.log(2), choice.logprob(), 1e-6);
    assertEquals(-Float.MAX_VALUE, choice.top().get(2).logprob());
    SamplingParameters banned = penalties(1, 0, 0, Map.of(1, -INFINITY));
    assertEquals(3, choose(new Sampler(banned), always));
    float[] all = {-INFINITY, -INFINITY};
    assertThrows(IllegalStateException.class, () -> greedy(all));
  }

  @Test
  void shouldNameABadBias() {
    SamplingParameters outside = penalties(1, 0, 0, Map.of(3, 1f));
    Sampler sampler = new Sampler(outside);
    assertEquals(
        "logit_bias names token 3, the vocabulary has 3",
        assertThrows(IllegalArgumentException.class, () -> choose(sampler, new float[3]))
            .getMessage());
    SamplingParameters nan = penalties(1, 0, 0, Map.of(3, Float.NaN));
    assertThrows(IllegalArgumentException.class, () -> new Sampler(nan));
  }

  private static int greedy(float... logits) {
    return choose(new Sampler(SamplingParameters.greedy()), logits);
  }

  private static int choose(Sampler sampler, float[] logits) {
    return sampler.choose(logits, NONE, 0, 0, 0).token();
  }

  private static Set<Integer> drawn(float[] logits, SamplingParameters parameters) {
    Set<Integer> tokens = new TreeSet<>();
    Sampler sampler = new Sampler(parameters);
    for (int i = 0; i < 1000; i++) { // missing one of probability 1/16: 1e-28
      tokens.add(choose(sampler, logits));
    }
    return tokens;
  }

  private static float[] logs(float... probabilities) {
    float[] logits = new float[probabilities.length];
    for (int token = 0; token < logits.length; token++) {
      logits[token] = (float) Math.log(probabilities[token]);
    }
    return logits;
  }

  private static float[] randomLogits(Random random, int length, float spread) {
    float[] logits = new float[length];
    for (int token = 0; token < length; token++) {
      logits[token] = spread * (float) random.nextGaussian();
    }
    return logits;
  }

  private static SamplingParameters filters(
      float temperature, int topK, float topP, float minP, long seed) {
    return new SamplingParameters(temperature, topK, topP, minP, 1, 0, 0, Map.of(), seed);
  }

  private static SamplingParameters penalties(
      float repetition, float presence, float frequency, Map<Integer, Float> bias) {
    return new SamplingParameters(0, 0, 1, 0, repetition, presence, frequency, bias, 0);
  }
}
