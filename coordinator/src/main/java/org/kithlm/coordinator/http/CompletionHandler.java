package org.kithlm.coordinator.http;

import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;

/** {@code POST /v1/completions}. Thread-safe. */
final class CompletionHandler {
  /** The API's limit where a request names none. */
  private static final int MAX_TOKENS = 16;

  private final ChatService service;
  private final Answers answers;

  CompletionHandler(ChatService service, Answers answers) {
    this.service = service;
    this.answers = answers;
  }

  CompletionStage<HttpResponse> handle(Fields body, CompletionStage<Done> over) {
    CompletionRequest request = CompletionRequest.read(body);
    answers.checkServed(request.options());
    int[] prompt =
        request.text() == null
            ? Objects.requireNonNull(request.tokens())
            : service.tokenize(request.text());
    AnswerFormat format = new CompletionFormat(service, request.options().logprobs());
    return answers.answer(prompt, MAX_TOKENS, request.options(), format, "prompt", over);
  }
}
