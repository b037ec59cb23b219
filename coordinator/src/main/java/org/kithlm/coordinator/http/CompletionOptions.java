package org.kithlm.coordinator.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.Choices;
import org.kithlm.coordinator.generation.Priority;
import org.kithlm.model.constraint.Grammar;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.transformer.StepRuns;

/**
 * What both completion APIs share.
 *
 * @param model id of the model that is asked
 * @param maxTokens most tokens to make, null for the API's default
 * @param sampling how a token is chosen
 * @param stops strings that end the answer
 * @param logprobs whether log probabilities are reported
 * @param topLogprobs how many candidates are reported per token
 * @param stream whether the answer comes as events
 * @param includeUsage whether a stream ends with the token counts
 * @param choices how many texts are made
 * @param grammar what the answer must be, null for anything
 * @param thinkingTokens most tokens of a text's thinking, null for no limit
 * @param priority whether somebody waits for it
 */
record CompletionOptions(
    @Nullable String model,
    @Nullable Integer maxTokens,
    SamplingParameters sampling,
    List<String> stops,
    boolean logprobs,
    int topLogprobs,
    boolean stream,
    boolean includeUsage,
    Choices choices,
    @Nullable Grammar grammar,
    @Nullable Integer thinkingTokens,
    Priority priority) {

  /** Most candidates per token, as in OpenAI's API. */
  static final int TOP_LOGPROBS_MAX = 20;

  /** Reads the shared fields; the others are the caller's. */
  static CompletionOptions read(
      Fields body,
      boolean logprobs,
      int topLogprobs,
      @Nullable Grammar grammar,
      @Nullable Integer thinkingTokens) {
    Integer older = limit(body, "max_tokens");
    Integer newer = limit(body, "max_completion_tokens");
    return new CompletionOptions(
        body.text("model"),
        newer == null ? older : newer,
        SamplingFields.sampling(body),
        SamplingFields.stops(body),
        logprobs,
        topLogprobs,
        body.flag("stream"),
        includeUsage(body),
        new Choices((int) body.integer("n", 1, StepRuns.MAX, 1), body.flag("first_finish")),
        grammar,
        thinkingTokens,
        Priorities.of(body));
  }

  /** The same with another priority. */
  CompletionOptions withPriority(Priority other) {
    return new CompletionOptions(
        model,
        maxTokens,
        sampling,
        stops,
        logprobs,
        topLogprobs,
        stream,
        includeUsage,
        choices,
        grammar,
        thinkingTokens,
        other);
  }

  private static @Nullable Integer limit(Fields body, String name) {
    return body.has(name) ? (int) body.integer(name, 1, Integer.MAX_VALUE, 0) : null;
  }

  private static boolean includeUsage(Fields body) {
    JsonNode options = body.get("stream_options");
    if (options == null) {
      return false;
    }
    if (!options.isObject()) {
      throw body.wrong("stream_options", "an object", options);
    }
    return new Fields(options, "stream_options.").flag("include_usage");
  }
}
