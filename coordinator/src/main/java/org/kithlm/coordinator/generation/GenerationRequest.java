package org.kithlm.coordinator.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.sampling.SamplingParameters;

/**
 * What to generate.
 *
 * @param prompt token ids, at least one
 * @param maxTokens most tokens to make, at least 1
 * @param sampling how a token is chosen
 * @param stops strings that end the answer and are not part of it
 * @param topLogprobs how many candidates to report per token, 0 to 20
 * @param grammar what the answer must be, null for anything
 * @param priority whether somebody waits for it
 */
public record GenerationRequest(
    int[] prompt,
    int maxTokens,
    SamplingParameters sampling,
    List<String> stops,
    int topLogprobs,
    @Nullable Grammar grammar,
    Priority priority) {

  /** The same request with another seed. */
  public GenerationRequest withSeed(long seed) {
    return new GenerationRequest(
        prompt, maxTokens, sampling.withSeed(seed), stops, topLogprobs, grammar, priority);
  }

  /** The same request with another priority. */
  public GenerationRequest withPriority(Priority other) {
    return new GenerationRequest(prompt, maxTokens, sampling, stops, topLogprobs, grammar, other);
  }

  /** An interactive request. */
  public GenerationRequest(
      int[] prompt,
      int maxTokens,
      SamplingParameters sampling,
      List<String> stops,
      int topLogprobs,
      @Nullable Grammar grammar) {
    this(prompt, maxTokens, sampling, stops, topLogprobs, grammar, Priority.INTERACTIVE);
  }

  /** An interactive request for any answer. */
  public GenerationRequest(
      int[] prompt,
      int maxTokens,
      SamplingParameters sampling,
      List<String> stops,
      int topLogprobs) {
    this(prompt, maxTokens, sampling, stops, topLogprobs, null);
  }
}
