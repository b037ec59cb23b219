package org.kithlm.coordinator.http;

import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;

/** {@code POST /v1/chat/completions}. Thread-safe. */
final class ChatHandler {
  private final ChatService service;
  private final Answers answers;

  ChatHandler(ChatService service, Answers answers) {
    this.service = service;
    this.answers = answers;
  }

  CompletionStage<HttpResponse> handle(Fields body, CompletionStage<Done> over) {
    ChatRequest request = ChatRequest.read(body);
    answers.checkServed(request.options());
    int[] prompt = answers.tokenizeChat(request.messages(), request.tools());
    AnswerFormat format =
        new ChatFormat(service, request.options().logprobs(), request.tools().areOffered());
    return answers.answer(
        prompt, answers.room(prompt), request.options(), format, "messages", over);
  }
}
