package org.kithlm.coordinator.http;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.ChoiceRoom;
import org.kithlm.coordinator.generation.Choices;
import org.kithlm.coordinator.generation.Generation;
import org.kithlm.coordinator.generation.GenerationListener;
import org.kithlm.coordinator.generation.GenerationRefusedException;
import org.kithlm.coordinator.generation.GenerationRequest;

/** Runs a generation and answers with it, streamed or whole. Thread-safe. */
final class Answers {
  /** A text may then fill the context. */
  static final int NO_LIMIT = Integer.MAX_VALUE;

  private final ActorSystem<?> system;
  private final ChatService service;
  private final EndpointSettings.Limits limits;

  Answers(ActorSystem<?> system, ChatService service, EndpointSettings.Limits limits) {
    this.system = system;
    this.service = service;
    this.limits = limits;
  }

  /** Refuses a request for another model or for tokens that it does not have. */
  void checkServed(CompletionOptions options) {
    String served = service.model().id();
    if (!served.equals(options.model())) {
      throw ApiException.modelNotServed(options.model(), served);
    }
    int vocabularySize = service.model().vocabularySize();
    for (int token : options.sampling().logitBias().keySet()) {
      if (token >= vocabularySize) {
        throw ApiException.badRequest(
            "logit_bias names token %d, but the vocabulary of '%s' ends at %d"
                .formatted(token, served, vocabularySize - 1),
            "logit_bias");
      }
    }
  }

  /** Token ids of a chat, or an ApiException. */
  int[] tokenizeChat(List<ChatService.Message> messages, Tools tools) {
    try {
      return service.tokenizeChat(messages, tools.described());
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(
          "the model's chat template refuses the messages: " + e.getMessage(), "messages");
    }
  }

  /** Tokens for which there is room after a prompt; without a limit a text may have so many. */
  private int room(int[] prompt, Choices choices) {
    ChoiceRoom room = new ChoiceRoom(service.model().contextLength(), prompt.length);
    return Math.max(1, room.tokensOfEach(choices.count()));
  }

  /**
   * Generates.
   *
   * @param maxTokens limit where the request names none; there may be less room
   * @param promptParam the request's field with the prompt, for errors
   * @param over completes when the answer is sent or the client has gone; a generation that still
   *     runs then is cancelled
   */
  CompletionStage<HttpResponse> answer(
      int[] prompt,
      int maxTokens,
      CompletionOptions options,
      AnswerWriter writer,
      String promptParam,
      CompletionStage<Done> over) {
    GenerationRequest request =
        new GenerationRequest(
            prompt,
            options.maxTokens() == null
                ? Math.min(maxTokens, room(prompt, options.choices()))
                : options.maxTokens(),
            options.sampling(),
            options.stops(),
            options.logprobs(),
            options.topLogprobs(),
            options.grammar(),
            options.choices(),
            options.thinkingTokens(),
            options.priority());
    CompletableFuture<Generation> started = new CompletableFuture<>();
    CompletionStage<Generation> running = started;
    Runnable cancel = () -> running.thenAccept(Generation::cancel);
    if (!options.stream()) {
      WholeAnswer answer = new WholeAnswer(options.logprobs(), cancel);
      started.complete(generate(request, answer, promptParam));
      over.thenRun(answer::abandon);
      return answer.response(writer, limits.generation(), system.executionContext());
    }
    StreamedAnswer answer = new StreamedAnswer(system, writer.stream(options), limits, cancel);
    try {
      started.complete(generate(request, answer, promptParam));
    } catch (RuntimeException e) {
      answer.discard();
      throw e;
    }
    over.thenRun(answer::abandon);
    return CompletableFuture.completedFuture(answer.response());
  }

  private Generation generate(
      GenerationRequest request, GenerationListener answer, String promptParam) {
    try {
      return service.generate(request, answer);
    } catch (GenerationRefusedException e) {
      throw ApiException.refused(e, promptParam);
    }
  }
}
