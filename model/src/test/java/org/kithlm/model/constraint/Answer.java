package org.kithlm.model.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.sampling.Sampler;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;

/**
 * What a model that knows nothing, and so has drawn logits, answers under a constraint.
 *
 * @param tokens how many it took, without the one that ends the turn
 * @param complete whether the constraint took it for whole
 */
record Answer(byte[] bytes, int tokens, boolean complete) {
  private static final float SPREAD = 6;

  String text() {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /**
   * Answers.
   *
   * @param grammar null for none
   */
  static Answer draw(
      @Nullable Grammar grammar, Tokenizer tokenizer, SamplingParameters parameters, int limit) {
    SplittableRandom random = new SplittableRandom(~parameters.seed());
    Sampler sampler = new Sampler(parameters);
    TokenConstraint constraint = grammar == null ? null : new TokenConstraint(grammar, tokenizer);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    float[] logits = new float[tokenizer.vocabularySize()];
    int[] ids = new int[limit];
    int count = 0;
    while (count < limit && (constraint == null || !constraint.isFinal())) {
      for (int token = 0; token < logits.length; token++) {
        logits[token] = SPREAD * (float) random.nextDouble();
      }
      if (constraint != null) {
        constraint.limit(limit - count);
      }
      int token = sampler.choose(logits, ids, 0, count, 0, constraint).token();
      if (tokenizer.isEndOfGeneration(token)) {
        break;
      }
      if (constraint != null) {
        constraint.accept(token);
      }
      ids[count++] = token;
      bytes.writeBytes(tokenizer.tokenBytes(token));
    }
    boolean complete = constraint != null && constraint.isComplete();
    return new Answer(bytes.toByteArray(), count, complete);
  }
}
