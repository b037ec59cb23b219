package org.kithlm.coordinator.generation;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Keeps what a generation tells and insists that it ends once. */
final class RecordingListener implements GenerationListener {
  /** Also for a real model on a busy machine, before its kernels are compiled. */
  private static final int TIMEOUT_SECONDS = 180;

  /** An end; a failure and a refusal have a message and nothing else. */
  record End(
      @Nullable FinishReason reason,
      @Nullable Usage usage,
      @Nullable String failure,
      @Nullable String refusal) {}

  final List<Token> tokens = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private final CompletableFuture<End> end = new CompletableFuture<>();

  @Override
  public void onToken(Token token) {
    tokens.add(token);
    text.append(token.text());
  }

  @Override
  public void onFinished(FinishReason reason, String tail, Usage usage) {
    text.append(tail);
    end(new End(reason, usage, null, null));
  }

  @Override
  public void onFailed(String message) {
    end(new End(null, null, message, null));
  }

  @Override
  public void onNotReady(String message) {
    end(new End(null, null, null, message));
  }

  private void end(End what) {
    if (!end.complete(what)) {
      throw new AssertionError("ended twice: " + end.join() + ", then " + what);
    }
  }

  boolean hasEnded() {
    return end.isDone();
  }

  /** Completes when it ends, on the thread that ends it. */
  CompletableFuture<End> ended() {
    return end.copy();
  }

  /** How it ended, waited for. */
  End end() {
    return end.copy().orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS).join();
  }

  /** What it cost; it must have ended well. */
  Usage usage() {
    return Objects.requireNonNull(end().usage(), () -> "failed: " + end());
  }

  /** Why it failed, which it must have. */
  String failure() {
    return Objects.requireNonNull(end().failure(), () -> "did not fail: " + end());
  }

  /** Why it never ran, which it must not have. */
  String refusal() {
    return Objects.requireNonNull(end().refusal(), () -> "was not refused: " + end());
  }

  /** Its text, once it has ended. */
  String text() {
    end();
    return text.toString();
  }

  /** Its token ids, once it has ended. */
  List<Integer> ids() {
    end();
    return tokens.stream().map(Token::id).toList();
  }
}
