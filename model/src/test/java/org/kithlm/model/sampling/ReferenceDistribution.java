package org.kithlm.model.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** What a sampler should draw from, the plain way: a full sort and doubles. */
final class ReferenceDistribution {
  private ReferenceDistribution() {}

  /** Probability of each token after top-k, temperature, top-p and min-p, 0 for dropped ones. */
  static double[] of(float[] logits, SamplingParameters parameters) {
    int[] order = order(logits);
    int kept = parameters.topK() == 0 ? order.length : Math.min(parameters.topK(), order.length);
    double[] ranked = new double[kept];
    for (int rank = 0; rank < kept; rank++) {
      ranked[rank] =
          Math.exp(((double) logits[order[rank]] - logits[order[0]]) / parameters.temperature());
    }
    double mass = parameters.topP() * Arrays.stream(ranked).sum();
    double[] result = new double[logits.length];
    double before = 0;
    for (int rank = 0; rank < kept && (before < mass || parameters.topP() == 1); rank++) {
      before += ranked[rank];
      result[order[rank]] = ranked[rank] < parameters.minP() ? 0 : ranked[rank];
    }
    double sum = Arrays.stream(result).sum();
    return Arrays.stream(result).map(weight -> weight / sum).toArray();
  }

  /** Ids by descending logit, equal ones ascending. */
  static int[] order(float[] logits) {
    return IntStream.range(0, logits.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(token -> 0 - logits[token])) // -0 ties with 0
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Natural log-softmax. */
  static double logprob(float[] logits, int token) {
    double max = logits[order(logits)[0]];
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return logits[token] - max - Math.log(sum);
  }

  /** Token at a point of [0, 1) of the cumulative distribution by id. */
  static int draw(double[] probabilities, double point) {
    double rest = point;
    int token = -1;
    do {
      token++;
      rest -= probabilities[token];
    } while (rest >= 0);
    return token;
  }
}
