package org.kithlm.coordinator.http;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener;

/** Collects an answer that is sent in one piece. The engine's thread owns the collected parts. */
final class WholeAnswer implements GenerationListener {
  private record Result(List<AnswerWriter.Choice> choices, Usage usage) {}

  /** A choice so far; without a reason it goes on. */
  private static final class Part {
    final StringBuilder text = new StringBuilder();
    final List<Token> tokens = new ArrayList<>();
    @Nullable FinishReason reason;
  }

  private final boolean keepTokens;
  private final Runnable cancel;
  private final List<Part> parts = new ArrayList<>(); // by choice
  private final CompletableFuture<Result> result = new CompletableFuture<>();

  /**
   * An answer without any text yet.
   *
   * @param keepTokens whether the format needs the tokens
   * @param cancel stops the generation
   */
  WholeAnswer(boolean keepTokens, Runnable cancel) {
    this.cancel = cancel;
    this.keepTokens = keepTokens;
  }

  /**
   * The answer, or an ApiException; after {@code deadline} the latter, and the generation is
   * cancelled.
   *
   * @param executor writes the JSON, so that the engine's thread need not
   */
  CompletionStage<HttpResponse> response(
      AnswerWriter writer, Duration deadline, Executor executor) {
    return result
        .orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS)
        .handleAsync(
            (done, failure) -> {
              if (failure instanceof TimeoutException) {
                cancel.run();
                throw ApiException.generationFailed(
                    StatusCodes.SERVICE_UNAVAILABLE,
                    "the answer took longer than "
                        + deadline.toSeconds()
                        + " s; ask with stream: true");
              }
              if (failure instanceof RuntimeException e) {
                throw e;
              }
              return Json.ok(writer.whole(done.choices(), done.usage()));
            },
            executor);
  }

  /** Nobody waits any more: stops the generation, if it still runs. */
  void abandon() {
    if (!result.isDone()) {
      cancel.run();
    }
  }

  @Override
  public void onToken(int choice, Token token) {
    Part part = part(choice);
    part.text.append(token.text());
    if (keepTokens) {
      part.tokens.add(token);
    }
  }

  @Override
  public void onChoice(int choice, FinishReason reason, String tail) {
    Part part = part(choice);
    part.text.append(tail);
    part.reason = reason;
  }

  private Part part(int choice) {
    while (parts.size() <= choice) {
      parts.add(new Part());
    }
    return parts.get(choice);
  }

  /** Those that were given up are not told. */
  @Override
  public void onFinished(Usage usage) {
    List<AnswerWriter.Choice> choices = new ArrayList<>();
    for (int index = 0; index < parts.size(); index++) {
      Part part = parts.get(index);
      if (part.reason != null && part.reason != FinishReason.ABANDONED) {
        choices.add(new AnswerWriter.Choice(index, part.text.toString(), part.tokens, part.reason));
      }
    }
    result.complete(new Result(choices, usage));
  }

  @Override
  public void onCancelled(Usage usage) {
    onFailed(StreamedAnswer.CANCELLED);
  }

  @Override
  public void onFailed(String message) {
    result.completeExceptionally(
        ApiException.generationFailed(StatusCodes.INTERNAL_SERVER_ERROR, message));
  }

  @Override
  public void onNotReady(String message) {
    result.completeExceptionally(ApiException.notReady(message));
  }
}
