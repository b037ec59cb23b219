package org.kithlm.coordinator.http;

import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.Generation;
import org.kithlm.coordinator.generation.GenerationListener;
import org.kithlm.coordinator.generation.GenerationRefusedException;
import org.kithlm.coordinator.generation.GenerationRequest;

/**
 * Has the choices of an answer made one after another, each with the next seed; the ranks run the
 * prompt once, as they keep it from one choice to the next. Thread-safe.
 */
final class ChoiceSeries implements GenerationListener, Generation {
  private final ChatService service;
  private final GenerationRequest request;
  private final int count;
  private final AnswerListener answer;
  private final ReentrantLock starting = new ReentrantLock();
  private volatile @Nullable Generation running;
  private volatile boolean cancelled;
  // Owned by the thread that calls the listener.
  private int made;
  private @Nullable Usage total;

  private ChoiceSeries(
      ChatService service, GenerationRequest request, int count, AnswerListener answer) {
    this.service = service;
    this.request = request;
    this.count = count;
    this.answer = answer;
  }

  /**
   * Starts the first choice.
   *
   * @param request of the first choice
   * @throws GenerationRefusedException if it is refused
   */
  static Generation start(
      ChatService service, GenerationRequest request, int count, AnswerListener answer) {
    ChoiceSeries series = new ChoiceSeries(service, request, count, answer);
    series.begin(request);
    return series;
  }

  private void begin(GenerationRequest choice) {
    starting.lock(); // a choice may end, and the next begin, before we know it
    try {
      Generation begun = service.generate(choice, this);
      running = begun;
      if (cancelled) {
        begun.cancel();
      }
    } finally {
      starting.unlock();
    }
  }

  @Override
  public void cancel() {
    cancelled = true;
    Generation current = running;
    if (current != null) {
      current.cancel();
    }
  }

  @Override
  public void onToken(Token token) {
    answer.onToken(token);
  }

  @Override
  public void onFinished(FinishReason reason, String tail, Usage usage) {
    if (reason == FinishReason.CANCELLED) {
      answer.onFailed("the generation was cancelled");
      return;
    }
    Usage soFar = total == null ? usage : total.plus(usage);
    total = soFar;
    made++;
    answer.onChoice(reason, tail);
    if (made == count) {
      answer.onFinished(soFar);
      return;
    }
    try {
      begin(request.withSeed(request.sampling().seed() + made));
    } catch (GenerationRefusedException e) {
      answer.onNotReady(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void onFailed(String message) {
    answer.onFailed(message);
  }

  @Override
  public void onNotReady(String message) {
    answer.onNotReady(message);
  }
}
