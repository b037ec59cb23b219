package org.kithlm.deploy.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;

/** Follows the events of one streamed answer. One thread. */
final class AnswerReader {
  private static final double NS_PER_MS = 1e6;
  private static final double NS_PER_SEC = 1e9;

  private final Consumer<String> onText;
  private final long startNs;
  private final StringBuilder text = new StringBuilder();
  private long firstNs;
  private long lastNs;
  private int completionTokens;
  private @Nullable String finishReason;
  private boolean done;

  /**
   * A reader of an answer that was asked for just now.
   *
   * @param onText told each part of the text
   */
  AnswerReader(Consumer<String> onText) {
    this.onText = onText;
    this.startNs = System.nanoTime();
  }

  /**
   * Takes an event.
   *
   * @throws KithException if it is an error, or no event of a chat
   */
  void accept(SseParser.Event event) {
    if (event.data().equals("[DONE]")) {
      done = true;
      return;
    }
    JsonNode json;
    try {
      json = Json.MAPPER.readTree(event.data());
    } catch (JsonProcessingException e) {
      throw new KithException(ExitCode.OTHER, "the endpoint sent an event that is no JSON", e);
    }
    if (event.type().equals("error") || json.hasNonNull("error")) {
      throw new KithException(
          ExitCode.OTHER, "the answer failed: " + json.path("error").path("message").asText("?"));
    }
    JsonNode choice = json.path("choices").path(0);
    append(choice.path("delta").path("content").asText(""));
    finishReason = choice.path("finish_reason").asText(finishReason);
    completionTokens = json.path("usage").path("completion_tokens").asInt(completionTokens);
  }

  private void append(String part) {
    if (part.isEmpty()) {
      return;
    }
    lastNs = System.nanoTime();
    firstNs = text.isEmpty() ? lastNs : firstNs;
    text.append(part);
    onText.accept(part);
  }

  /** The answer if its end was seen, otherwise null: it was cut off. */
  ChatClient.@Nullable Answer answer() {
    if (!done || finishReason == null) {
      return null;
    }
    double decodeSec = (lastNs - firstNs) / NS_PER_SEC;
    return new ChatClient.Answer(
        text.toString(),
        finishReason,
        text.isEmpty() ? 0 : (firstNs - startNs) / NS_PER_MS,
        completionTokens > 1 && decodeSec > 0 ? (completionTokens - 1) / decodeSec : 0);
  }
}
