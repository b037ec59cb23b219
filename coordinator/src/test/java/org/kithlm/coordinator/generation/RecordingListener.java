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
      @Nullable Usage usage,
      boolean cancelled,
      @Nullable String failure,
      @Nullable String refusal) {}

  /** One of the texts. */
  static final class Text {
    final List<Token> tokens = new ArrayList<>();
    final StringBuilder text = new StringBuilder();
    @Nullable FinishReason reason;

    List<Integer> ids() {
      return tokens.stream().map(Token::id).toList();
    }
  }

  final List<Text> texts = new ArrayList<>();

  /** Those of the first text. */
  final List<Token> tokens;

  /** The texts in the order in which they ended. */
  final List<Integer> ended = new ArrayList<>();

  private final CompletableFuture<End> end = new CompletableFuture<>();

  RecordingListener() {
    tokens = choice(0).tokens;
  }

  Text choice(int index) {
    while (texts.size() <= index) {
      texts.add(new Text());
    }
    return texts.get(index);
  }

  @Override
  public void onToken(int choice, Token token) {
    Text text = choice(choice);
    if (text.reason != null) {
      throw new AssertionError("a token of text " + choice + " after its end");
    }
    text.tokens.add(token);
    text.text.append(token.text());
  }

  @Override
  public void onChoice(int choice, FinishReason reason, String tail) {
    Text text = choice(choice);
    if (text.reason != null) {
      throw new AssertionError("text " + choice + " ended twice");
    }
    text.reason = reason;
    text.text.append(tail);
    ended.add(choice);
  }

  @Override
  public void onFinished(Usage usage) {
    if (texts.stream().anyMatch(text -> text.reason == null)) {
      throw new AssertionError("finished before all texts: " + ended);
    }
    end(new End(usage, false, null, null));
  }

  @Override
  public void onCancelled(Usage usage) {
    end(new End(usage, true, null, null));
  }

  @Override
  public void onFailed(String message) {
    end(new End(null, false, message, null));
  }

  @Override
  public void onNotReady(String message) {
    end(new End(null, false, null, message));
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

  /** Why the first text ended, which it must have. */
  FinishReason reason() {
    End how = end();
    return Objects.requireNonNull(choice(0).reason, () -> "did not end well: " + how);
  }

  /** The first text, once all have ended. */
  String text() {
    end();
    return choice(0).text.toString();
  }

  /** Its token ids, once all have ended. */
  List<Integer> ids() {
    end();
    return choice(0).ids();
  }
}
