package org.kithlm.coordinator.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.FinishReason;
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

  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Message(String role, String content, @Nullable List<ToolCall> toolCalls) {}

  record ToolCall(Function function) {}

  record Function(String name, JsonNode arguments) {}

  private final String model;
  private final boolean chat;
  private final @Nullable ToolCallReader calls;
  private final StringBuilder arguments = new StringBuilder(); // of the call under way
  private String name = "";
  private final long startNs = System.nanoTime();

  /**
   * The format of an answer to a request that has just come.
   *
   * @param chat whether a message is answered with a message, otherwise text with text
   * @param calls whether it may have tool calls
   */
  OllamaFormat(String model, boolean chat, boolean calls) {
    this.calls = calls ? new ToolCallReader() : null;
    this.model = model;
    this.chat = chat;
  }

  /** Parts of the answer; a call comes when it is whole. */
  List<?> parts(String text) {
    if (calls == null) {
      return text.isEmpty() ? List.of() : List.of(answer(text, List.of(), false, null, null));
    }
    return parts(calls.accept(text));
  }

  /** What was held back, and the end. */
  List<?> last(FinishReason reason, Usage usage) {
    List<Object> last = new ArrayList<>(calls == null ? List.of() : parts(calls.flush()));
    last.add(answer("", List.of(), true, AnswerFormat.name(reason), usage));
    return last;
  }

  private List<Answer> parts(List<ToolCallReader.Part> parts) {
    List<Answer> answers = new ArrayList<>();
    for (ToolCallReader.Part part : parts) {
      switch (part) {
        case ToolCallReader.Part.Text text ->
            answers.add(answer(text.text(), List.of(), false, null, null));
        case ToolCallReader.Part.Call call -> {
          name = call.name();
          arguments.setLength(0);
        }
        case ToolCallReader.Part.Arguments more -> arguments.append(more.json());
        case ToolCallReader.Part.CallEnd end ->
            answers.add(answer("", List.of(call(name, arguments.toString())), false, null, null));
      }
    }
    return answers;
  }

  private static ToolCall call(String name, String arguments) {
    try {
      return new ToolCall(new Function(name, Json.MAPPER.readTree(arguments)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the arguments of " + name + " are not JSON", e);
    }
  }

  /** The answer to a request without a prompt, by which clients have a model loaded. */
  Object loaded() {
    return answer("", List.of(), true, "load", null);
  }

  @Override
  public Object whole(List<Choice> choices, Usage usage) {
    Choice only = choices.getFirst(); // the API has no other
    String reason = AnswerFormat.name(only.reason());
    if (calls == null) {
      return answer(only.text(), List.of(), true, reason, usage);
    }
    AnswerWithCalls read = AnswerWithCalls.of(only.text());
    List<ToolCall> list =
        read.calls().stream()
            .filter(AnswerWithCalls.Call::isWhole)
            .map(call -> call(call.name(), call.arguments()))
            .toList();
    return answer(read.text(), list, true, reason, usage);
  }

  @Override
  public StreamEncoder stream(CompletionOptions options) {
    return new NdjsonEncoder(this);
  }

  private Answer answer(
      String text,
      List<ToolCall> toolCalls,
      boolean done,
      @Nullable String doneReason,
      @Nullable Usage usage) {
    return new Answer(
        model,
        Instant.now().toString(),
        chat ? new Message("assistant", text, toolCalls.isEmpty() ? null : toolCalls) : null,
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
