package org.kithlm.coordinator.http;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;

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
    int[] prompt = answers.tokenizeChat(messages(request), request.tools());
    AnswerFormat format =
        new ChatFormat(service, request.options().logprobs(), request.tools().areOffered());
    return answers.answer(
        prompt, answers.room(prompt), request.options(), format, "messages", over);
  }

  private List<ChatService.Message> messages(ChatRequest request) {
    if (!request.shortens()) {
      return request.messages();
    }
    int contextLength = service.model().contextLength();
    Integer limit = request.options().maxTokens();
    int share = contextLength / ANSWER_SHARE;
    int answer = limit == null ? share : Math.min(limit, share);
    return new RecentTurns(request.messages())
        .fitting(
            messages -> answers.tokenizeChat(messages, request.tools()).length,
            contextLength - answer);
  }
}
