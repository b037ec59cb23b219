package org.kithlm.coordinator.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
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

  record Message(String role, String content, @Nullable String refusal) {}

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
  record Delta(@Nullable String role, @Nullable String content) {}

  record Logprobs(List<TokenLogprob> content, @Nullable Object refusal) {}

  record TokenLogprob(String token, float logprob, int[] bytes, List<TopLogprob> topLogprobs) {}

  record TopLogprob(String token, float logprob, int[] bytes) {}

  private final ChatService service;
  private final Head head;
  private final boolean logprobs;

  ChatFormat(ChatService service, boolean logprobs) {
    this.service = service;
    this.head = Head.of("chatcmpl-", service.model().id());
    this.logprobs = logprobs;
  }

  @Override
  public Object opening() {
    return chunk(new Delta("assistant", ""), null, null);
  }

  @Override
  public Object part(String text, @Nullable Token token) {
    return chunk(new Delta(null, text), token == null ? null : logprobs(List.of(token)), null);
  }

  @Override
  public Object last(FinishReason reason) {
    return chunk(new Delta(null, null), null, AnswerFormat.name(reason));
  }

  @Override
  public Object usage(Usage usage) {
    return chunk(List.of(), UsageCounts.of(usage));
  }

  @Override
  public Object whole(String text, List<Token> tokens, FinishReason reason, Usage usage) {
    Message message = new Message("assistant", text, null);
    return new Completion(
        head.id(),
        "chat.completion",
        head.created(),
        head.model(),
        List.of(new Choice(0, message, logprobs(tokens), AnswerFormat.name(reason))),
        UsageCounts.of(usage));
  }

  private Chunk chunk(Delta delta, @Nullable Logprobs logprobs, @Nullable String finishReason) {
    return chunk(List.of(new ChunkChoice(0, delta, logprobs, finishReason)), null);
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
