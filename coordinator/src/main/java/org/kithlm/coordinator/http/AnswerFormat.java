package org.kithlm.coordinator.http;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/**
 * The JSON shapes of one of OpenAI's answers; the values are records for {@link Json}. One thread
 * at a time.
 */
interface AnswerFormat extends AnswerWriter {
  /** What every object of an answer repeats. */
  record Head(String id, long created, String model) {
    static Head of(String idPrefix, String model) {
      String id = idPrefix + UUID.randomUUID().toString().replace("-", "");
      return new Head(id, Instant.now().getEpochSecond(), model);
    }
  }

  /** Token counts of an answer. */
  record UsageCounts(
      int promptTokens,
      int completionTokens,
      int totalTokens,
      PromptTokensDetails promptTokensDetails) {
    static UsageCounts of(Usage usage) {
      return new UsageCounts(
          usage.promptTokens(),
          usage.completionTokens(),
          usage.promptTokens() + usage.completionTokens(),
          new PromptTokensDetails(usage.cachedTokens()));
    }
  }

  /** How many tokens of a prompt did not have to be computed. */
  record PromptTokensDetails(int cachedTokens) {}

  /** JSON has no infinity; OpenAI's API gives this for "very unlikely". */
  float LOGPROB_MIN = -9999;

  /** What a choice in a stream starts with before there is a token, null for nothing. */
  @Nullable Object opening(int choice);

  /**
   * A part of a choice's text, with the token that made it certain; no token for what was held
   * back.
   */
  List<?> part(int choice, String text, @Nullable Token token);

  /** The end of a choice's text in a stream. */
  List<?> last(int choice, FinishReason reason);

  /** A stream's token counts. */
  Object usage(Usage usage);

  @Override
  default StreamEncoder stream(CompletionOptions options) {
    return new SseEncoder(this, options);
  }

  /** The API's word for the end of a text; it has none for one that was given up. */
  static String name(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH, ABANDONED -> "length";
    };
  }

  /** A log probability that JSON can carry. */
  static float finite(float logprob) {
    return logprob >= LOGPROB_MIN ? logprob : LOGPROB_MIN;
  }
}
