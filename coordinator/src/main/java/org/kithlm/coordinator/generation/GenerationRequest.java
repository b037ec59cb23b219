package org.kithlm.coordinator.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.sampling.SamplingParameters;

/**
 * What to generate.
 *
 * @param prompt token ids, at least one
 * @param maxTokens most tokens of a text, at least 1
 * @param sampling how a token is chosen; each further text has the next seed
 * @param stops strings that end a text and are not part of it
 * @param topLogprobs how many candidates to report per token, 0 to 20
 * @param grammar what a text must be, null for anything
 * @param choices how many texts
 * @param thinkingTokens most tokens of a text's thinking, null for no limit
 * @param priority whether somebody waits for it
 */
public record GenerationRequest(
    int[] prompt,
    int maxTokens,
    SamplingParameters sampling,
    List<String> stops,
    int topLogprobs,
    @Nullable Grammar grammar,
    Choices choices,
    @Nullable Integer thinkingTokens,
    Priority priority) {

  /** An interactive request for one text, whatever it says. */
  public GenerationRequest(
      int[] prompt,
      int maxTokens,
      SamplingParameters sampling,
      List<String> stops,
      int topLogprobs) {
    this(
        prompt,
        maxTokens,
        sampling,
        stops,
        topLogprobs,
        null,
        Choices.ONE,
        null,
        Priority.INTERACTIVE);
  }

  /** The same request for other texts. */
  public GenerationRequest withChoices(Choices other) {
    return new GenerationRequest(
        prompt, maxTokens, sampling, stops, topLogprobs, grammar, other, thinkingTokens, priority);
  }

  /** The same request for texts of this form. */
  public GenerationRequest withGrammar(Grammar form) {
    return new GenerationRequest(
        prompt, maxTokens, sampling, stops, topLogprobs, form, choices, thinkingTokens, priority);
  }

  /** The same request with so much thinking at most. */
  public GenerationRequest withThinkingTokens(int most) {
    return new GenerationRequest(
        prompt, maxTokens, sampling, stops, topLogprobs, grammar, choices, most, priority);
  }

  /** The same request with another priority. */
  public GenerationRequest withPriority(Priority other) {
    return new GenerationRequest(
        prompt, maxTokens, sampling, stops, topLogprobs, grammar, choices, thinkingTokens, other);
  }
}
