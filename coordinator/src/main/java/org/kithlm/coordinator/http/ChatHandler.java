package org.kithlm.coordinator.http;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.ChoiceRoom;

/** {@code POST /v1/chat/completions}. Thread-safe. */
final class ChatHandler {
  /** A chat that is shortened leaves this part of the context, or max_tokens, to the answer. */
  private static final int ANSWER_SHARE = 4;

  private final ChatService service;
  private final Answers answers;

  ChatHandler(ChatService service, Answers answers) {
    this.service = service;
    this.answers = answers;
  }

  CompletionStage<HttpResponse> handle(Fields body, CompletionStage<Done> over) {
    ChatRequest request = ChatRequest.read(body);
    answers.checkServed(request.options());
    int[] prompt = prompt(request);
    AnswerFormat format =
        new ChatFormat(service, request.options().logprobs(), request.tools().areOffered());
    return answers.answer(prompt, Answers.NO_LIMIT, request.options(), format, "messages", over);
  }

  private int[] prompt(ChatRequest request) {
    int[] whole = answers.tokenizeChat(request.messages(), request.tools());
    int room = promptTokens(request.options());
    if (!request.shortens() || whole.length <= room) {
      return whole;
    }
    List<ChatService.Message> recent =
        new RecentTurns(request.messages())
            .fitting(messages -> answers.tokenizeChat(messages, request.tools()).length, room);
    return answers.tokenizeChat(recent, request.tools());
  }

  /** Tokens of the context that a shortened chat may have. */
  private int promptTokens(CompletionOptions options) {
    int contextLength = service.model().contextLength();
    int texts = options.choices().count();
    int share = Math.max(1, contextLength / ANSWER_SHARE / texts);
    int each = options.maxTokens() == null ? share : options.maxTokens();
    return texts == 1
        ? contextLength - Math.min(each, share)
        : ChoiceRoom.longestPrompt(contextLength, texts, each);
  }
}
