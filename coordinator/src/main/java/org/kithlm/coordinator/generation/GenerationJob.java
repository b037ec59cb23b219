package org.kithlm.coordinator.generation;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * One request in the engine. Cancelled from any thread; the rest belongs to the engine's thread, or
 * to the one that takes it out of the queue.
 */
final class GenerationJob implements Generation {
  final GenerationRequest request;

  /** When it was asked for, as {@link System#nanoTime}. */
  final long askedNs = System.nanoTime();

  private final GenerationListener listener;
  private final Consumer<GenerationJob> onCancel;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile boolean cancelled;
  private volatile boolean givesWay;

  GenerationJob(
      GenerationRequest request, GenerationListener listener, Consumer<GenerationJob> onCancel) {
    this.request = request;
    this.listener = listener;
    this.onCancel = onCancel;
  }

  @Override
  public void cancel() {
    cancelled = true;
    onCancel.accept(this);
  }

  boolean isCancelled() {
    return cancelled;
  }

  boolean isInteractive() {
    return request.priority() == Priority.INTERACTIVE;
  }

  /** Has it leave its turn to another, at the end of the step under way or if that is aborted. */
  void giveWay() {
    givesWay = true;
  }

  boolean givesWay() {
    return givesWay;
  }

  /** Its turn has come, again if it gave way before. */
  void takeTurn() {
    givesWay = false;
  }

  void tell(int choice, GenerationListener.Token token) {
    listener.onToken(choice, token);
  }

  /** Tells the listener that a text is over. */
  void end(int choice, FinishReason reason, String tail) {
    listener.onChoice(choice, reason, tail);
  }

  /** Tells the listener of a good end, unless it was told of another. */
  void finish(GenerationListener.Usage usage) {
    if (ended.compareAndSet(false, true)) {
      listener.onFinished(usage);
    }
  }

  /** Tells the listener that it was cancelled, unless it was told of another end. */
  void cancelled(GenerationListener.Usage usage) {
    if (ended.compareAndSet(false, true)) {
      listener.onCancelled(usage);
    }
  }

  /** Tells the listener that it was cancelled before it ran. */
  void drop() {
    cancelled(new GenerationListener.Usage(request.prompt().length, 0, 0, 0, 0));
  }

  /** Tells the listener that there were no ranks to run it. */
  void refuse(String message) {
    if (ended.compareAndSet(false, true)) {
      listener.onNotReady(message);
    }
  }

  /** Tells the listener of a failure, unless it was told of another end. */
  void fail(String message) {
    if (ended.compareAndSet(false, true)) {
      listener.onFailed(message);
    }
  }
}
