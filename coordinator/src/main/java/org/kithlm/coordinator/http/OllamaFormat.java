package org.kithlm.coordinator.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Answers of Ollama's {@code /api/chat} and {@code /api/generate}, which differ in one field. */
final class OllamaFormat implements AnswerWriter {
  private static final double NS_PER_MS = 1e6;
  private static final double NS_PER_SEC = 1e9;

  /** Times in nanoseconds; all but the first fields only at the end of an answer. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Answer(
      String model,
      String createdAt,
      @Nullable Message message,
      @Nullable String response,
      boolean done,
      @Nullable String doneReason,
      @Nullable Long totalDuration,
      @Nullable Long loadDuration,
      @Nullable Integer promptEvalCount,
      @Nullable Long promptEvalDuration,
      @Nullable Integer evalCount,
      @Nullable Long evalDuration) {}

  record Message(String role, String content) {}

  private final String model;
  private final boolean chat;
  private final long startNs = System.nanoTime();

  /**
   * The format of an answer to a request that has just come.
   *
   * @param chat whether a message is answered with a message, otherwise text with text
   */
  OllamaFormat(String model, boolean chat) {
    this.model = model;
    this.chat = chat;
  }

  /** A part of the text. */
  Object part(String text) {
    return answer(text, false, null, null);
  }

  /** The answer to a request without a prompt, by which clients have a model loaded. */
  Object loaded() {
    return answer("", true, "load", null);
  }

  /** The end of a stream has this shape too, without text. */
  @Override
  public Object whole(String text, List<Token> tokens, FinishReason reason, Usage usage) {
    return answer(text, true, AnswerFormat.name(reason), usage);
  }

  @Override
  public StreamEncoder stream(CompletionOptions options) {
    return new NdjsonEncoder(this);
  }

  private Answer answer(
      String text, boolean done, @Nullable String doneReason, @Nullable Usage usage) {
    return new Answer(
        model,
        Instant.now().toString(),
        chat ? new Message("assistant", text) : null,
        chat ? null : text,
        done,
        doneReason,
        usage == null ? null : System.nanoTime() - startNs,
        usage == null ? null : 0L, // the model is always loaded
        usage == null ? null : usage.promptTokens(),
        usage == null ? null : (long) (usage.ttftMs() * NS_PER_MS),
        usage == null ? null : usage.completionTokens(),
        usage == null ? null : decodeNs(usage));
  }

  /** What the tokens after the first took. */
  private static long decodeNs(Usage usage) {
    return usage.tokensPerSecond() > 0
        ? (long) ((usage.completionTokens() - 1) / usage.tokensPerSecond() * NS_PER_SEC)
        : 0;
  }
}
