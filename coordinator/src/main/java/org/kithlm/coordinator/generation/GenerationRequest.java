package org.kithlm.coordinator.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.transformer.StepRuns;

/**
 * What to generate.
 *
 * @param prompt token ids, at least one
 * @param maxTokens most tokens of a text, at least 1
 * @param sampling how a token is chosen; each further text has the next seed
 * @param stops strings that end a text and are not part of it
 * @param logprobs whether log probabilities are reported
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
    boolean logprobs,
    int topLogprobs,
    @Nullable Grammar grammar,
    Choices choices,
    @Nullable Integer thinkingTokens,
    Priority priority) {

  /** An interactive request for one text, whatever it says, with log probabilities. */
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
        true,
        topLogprobs,
        null,
        Choices.ONE,
        null,
        Priority.INTERACTIVE);
  }

  /** The same request for other texts. */
  public GenerationRequest withChoices(Choices other) {
    return with(logprobs, grammar, other, thinkingTokens, priority);
  }

  /** The same request for texts of this form. */
  public GenerationRequest withGrammar(Grammar form) {
    return with(logprobs, form, choices, thinkingTokens, priority);
  }

  /** The same request with so much thinking at most. */
  public GenerationRequest withThinkingTokens(int most) {
    return with(logprobs, grammar, choices, most, priority);
  }

  /** The same request with another priority. */
  public GenerationRequest withPriority(Priority other) {
    return with(logprobs, grammar, choices, thinkingTokens, other);
  }

  /** The same request without log probabilities. */
  public GenerationRequest withoutLogprobs() {
    return with(false, grammar, choices, thinkingTokens, priority);
  }

  private GenerationRequest with(
      boolean areReported,
      @Nullable Grammar form,
      Choices otherChoices,
      @Nullable Integer mostThinking,
      Priority otherPriority) {
    return new GenerationRequest(
        prompt,
        maxTokens,
        sampling,
        stops,
        areReported,
        areReported ? topLogprobs : 0,
        form,
        otherChoices,
        mostThinking,
        otherPriority);
  }

  /** How many of the likeliest tokens' logits it takes to choose one as if all were known. */
  int wantedLogits() {
    boolean isFree = grammar == null && thinkingTokens == null && !logprobs;
    return isFree ? sampling.wantedLogits() : StepRuns.ALL_LOGITS;
  }
}
