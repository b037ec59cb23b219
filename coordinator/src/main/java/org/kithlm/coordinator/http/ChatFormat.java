package org.kithlm.coordinator.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener.Token;
import org.kithlm.coordinator.generation.GenerationListener.Usage;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
  record Completion(
      String id, String object, long created, String model, List<Choice> choices, Object usage) {}

  record Choice(int index, Message message, @Nullable Logprobs logprobs, String finishReason) {}

  record Message(
      String role,
      @Nullable String content,
      @Nullable String refusal,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<ToolCall> toolCalls) {}

  /** A call; in a stream with its index, and all but that only in its first part. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record ToolCall(
      @Nullable Integer index, @Nullable String id, @Nullable String type, Function function) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Function(@Nullable String name, String arguments) {}

  record Chunk(
      String id,
      String object,
      long created,
      String model,
      List<ChunkChoice> choices,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable UsageCounts usage) {}

  record ChunkChoice(
      int index, Delta delta, @Nullable Logprobs logprobs, @Nullable String finishReason) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Delta(
      @Nullable String role, @Nullable String content, @Nullable List<ToolCall> toolCalls) {
    static Delta text(String text) {
      return new Delta(null, text, null);
    }

    static Delta call(ToolCall call) {
      return new Delta(null, null, List.of(call));
    }
  }

  record Logprobs(List<TokenLogprob> content, @Nullable Object refusal) {}

  record TokenLogprob(String token, float logprob, int[] bytes, List<TopLogprob> topLogprobs) {}

  record TopLogprob(String token, float logprob, int[] bytes) {}

  private final ChatService service;
  private final Head head;
  private final boolean logprobs;
  private final boolean mayCall;
  private final List<ToolCallReader> calls = new ArrayList<>(); // by choice, where it may call

  /**
   * The format of one answer.
   *
   * @param mayCall whether it may have tool calls
   */
  ChatFormat(ChatService service, boolean logprobs, boolean mayCall) {
    this.mayCall = mayCall;
    this.service = service;
    this.head = Head.of("chatcmpl-", service.model().id());
    this.logprobs = logprobs;
  }

  @Override
  public Object opening(int choice) {
    return chunk(choice, new Delta("assistant", "", null), null, null);
  }

  @Override
  public List<?> part(int choice, String text, @Nullable Token token) {
    Logprobs tokens = token == null ? null : logprobs(List.of(token));
    if (!mayCall) {
      return List.of(chunk(choice, Delta.text(text), tokens, null));
    }
    List<Chunk> chunks = new ArrayList<>();
    for (Delta delta : deltas(calls(choice).accept(text))) {
      chunks.add(chunk(choice, delta, chunks.isEmpty() ? tokens : null, null));
    }
    if (chunks.isEmpty() && tokens != null) {
      chunks.add(chunk(choice, Delta.text(""), tokens, null));
    }
    return chunks;
  }

  private ToolCallReader calls(int choice) {
    while (calls.size() <= choice) {
      calls.add(new ToolCallReader());
    }
    return calls.get(choice);
  }

  private static List<Delta> deltas(List<ToolCallReader.Part> parts) {
    List<Delta> deltas = new ArrayList<>();
    for (ToolCallReader.Part part : parts) {
      switch (part) {
        case ToolCallReader.Part.Text text -> deltas.add(Delta.text(text.text()));
        case ToolCallReader.Part.Call call ->
            deltas.add(
                Delta.call(
                    new ToolCall(
                        call.index(), callId(), "function", new Function(call.name(), ""))));
        case ToolCallReader.Part.Arguments more ->
            deltas.add(
                Delta.call(
                    new ToolCall(more.index(), null, null, new Function(null, more.json()))));
        case ToolCallReader.Part.CallEnd end -> {}
      }
    }
    return deltas;
  }

  private static String callId() {
    return "call_" + UUID.randomUUID().toString().replace("-", "").substring(0, 24);
  }

  @Override
  public List<?> last(int choice, FinishReason reason) {
    List<Chunk> chunks = new ArrayList<>();
    int made = 0;
    if (mayCall) {
      deltas(calls(choice).flush()).forEach(delta -> chunks.add(chunk(choice, delta, null, null)));
      made = calls(choice).calls();
    }
    chunks.add(chunk(choice, new Delta(null, null, null), null, reasonName(reason, made)));
    return chunks;
  }

  private static String reasonName(FinishReason reason, int calls) {
    return calls > 0 && reason == FinishReason.STOP ? "tool_calls" : AnswerFormat.name(reason);
  }

  @Override
  public Object usage(Usage usage) {
    return chunk(List.of(), UsageCounts.of(usage));
  }

  @Override
  public Object whole(List<AnswerWriter.Choice> texts, Usage usage) {
    List<Choice> choices = new ArrayList<>();
    for (AnswerWriter.Choice text : texts) {
      Message message = message(text.text());
      int made = message.toolCalls() == null ? 0 : message.toolCalls().size();
      choices.add(
          new Choice(
              text.index(), message, logprobs(text.tokens()), reasonName(text.reason(), made)));
    }
    return new Completion(
        head.id(), "chat.completion", head.created(), head.model(), choices, UsageCounts.of(usage));
  }

  private Message message(String text) {
    if (!mayCall) {
      return new Message("assistant", text, null, null);
    }
    AnswerWithCalls answer = AnswerWithCalls.of(text);
    if (answer.calls().isEmpty()) {
      return new Message("assistant", answer.text(), null, null);
    }
    List<ToolCall> list =
        answer.calls().stream()
            .map(
                call ->
                    new ToolCall(
                        null, callId(), "function", new Function(call.name(), call.arguments())))
            .toList();
    return new Message("assistant", answer.text().isEmpty() ? null : answer.text(), null, list);
  }

  private Chunk chunk(
      int choice, Delta delta, @Nullable Logprobs logprobs, @Nullable String finishReason) {
    return chunk(List.of(new ChunkChoice(choice, delta, logprobs, finishReason)), null);
  }

  private Chunk chunk(List<ChunkChoice> choices, @Nullable UsageCounts usage) {
    return new Chunk(
        head.id(), "chat.completion.chunk", head.created(), head.model(), choices, usage);
  }

  private @Nullable Logprobs logprobs(List<Token> tokens) {
    if (!logprobs) {
      return null;
    }
    List<TokenLogprob> content = new ArrayList<>(tokens.size());
    for (Token token : tokens) {
      content.add(
          new TokenLogprob(
              service.tokenText(token.id()),
              AnswerFormat.finite(token.logprob()),
              unsignedBytes(token.id()),
              token.top().stream()
                  .map(
                      top ->
                          new TopLogprob(
                              service.tokenText(top.id()),
                              AnswerFormat.finite(top.logprob()),
                              unsignedBytes(top.id())))
                  .toList()));
    }
    return new Logprobs(content, null);
  }

  private int[] unsignedBytes(int token) {
    byte[] bytes = service.tokenBytes(token);
    int[] unsigned = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      unsigned[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return unsigned;
  }
}
