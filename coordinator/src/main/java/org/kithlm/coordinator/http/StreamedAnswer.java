package org.kithlm.coordinator.http;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.NotUsed;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.pattern.Patterns;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.QueueOfferResult;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationListener;

/**
 * Sends tokens as they are made. The engine only puts events into a bounded queue; when a slow
 * reader lets it overflow, the generation is cancelled and the connection aborted.
 */
final class StreamedAnswer implements GenerationListener {
  private sealed interface Event {
    record Opened() implements Event {}

    record Made(int choice, Token token) implements Event {}

    record ChoiceFinished(int choice, FinishReason reason, String tail) implements Event {}

    record Finished(Usage usage) implements Event {}

    record Failed(ApiException failure) implements Event {}

    record Aborted() implements Event {}
  }

  /**
   * Ends a stream that failed. A clean end would tell clients that the answer is complete, so the
   * connection is reset; without stack trace, as it is no fault of ours.
   */
  private static final class AbortedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AbortedException(String message) {
      super(message, null, false, false);
    }
  }

  /** Mostly nobody is there to read it. */
  static final String CANCELLED = "the generation was cancelled";

  /** Time for the error event to be read: a reset lets some systems drop unread bytes. */
  private static final Duration ABORT_DELAY = Duration.ofMillis(300);

  private final ActorSystem<?> system;
  private final StreamEncoder encoder;
  private final Runnable cancel;
  private final BoundedSourceQueue<Event> queue;
  private final Source<ByteString, NotUsed> bytes;
  private volatile boolean ended;

  /**
   * An answer whose stream is open from now on.
   *
   * @param cancel stops the generation
   */
  StreamedAnswer(
      ActorSystem<?> system,
      StreamEncoder encoder,
      EndpointSettings.Limits limits,
      Runnable cancel) {
    this.system = system;
    this.encoder = encoder;
    this.cancel = cancel;
    Pair<BoundedSourceQueue<Event>, Source<Event, NotUsed>> events =
        Source.<Event>queue(limits.streamBufferEvents()).preMaterialize(system);
    this.queue = events.first();
    this.bytes =
        events
            .second()
            .mapAsync(1, this::encode)
            .filter(ByteString::nonEmpty)
            .keepAlive(limits.keepAlive(), encoder::keepAlive);
    offer(new Event.Opened());
  }

  HttpResponse response() {
    return HttpResponse.create()
        .addHeader(RawHeader.create("Cache-Control", "no-cache"))
        .withEntity(HttpEntities.createChunked(encoder.contentType(), bytes));
  }

  /** Closes the stream of an answer that will not be sent. */
  void discard() {
    close(queue::complete);
  }

  /** Nobody reads any more: stops the generation, if it still runs, and hears no more of it. */
  void abandon() {
    if (!ended) {
      close(queue::complete);
      cancel.run();
    }
  }

  @Override
  public void onToken(int choice, Token token) {
    offer(new Event.Made(choice, token));
  }

  @Override
  public void onChoice(int choice, FinishReason reason, String tail) {
    offer(new Event.ChoiceFinished(choice, reason, tail));
  }

  @Override
  public void onFinished(Usage usage) {
    ended = true;
    offer(new Event.Finished(usage));
    close(queue::complete);
  }

  @Override
  public void onCancelled(Usage usage) {
    onFailed(CANCELLED);
  }

  @Override
  public void onFailed(String message) {
    fail(ApiException.generationFailed(StatusCodes.INTERNAL_SERVER_ERROR, message));
  }

  @Override
  public void onNotReady(String message) {
    fail(ApiException.notReady(message));
  }

  private void fail(ApiException failure) {
    ended = true;
    offer(new Event.Failed(failure));
    offer(new Event.Aborted());
  }

  private void offer(Event event) {
    // Anything but "dropped" is fine: a closed queue belongs to a client that has gone.
    if (queue.offer(event).equals(QueueOfferResult.dropped())) {
      cancel.run();
      close(() -> queue.fail(new AbortedException("the client reads too slowly")));
    }
  }

  /** Ends the stream, which a client that leaves may do at the same moment. */
  private static void close(Runnable end) {
    try {
      end.run();
    } catch (IllegalStateException e) {
      // It has ended, and nobody reads: the engine, which may call, is to go on as if it had not.
    }
  }

  private CompletionStage<ByteString> encode(Event event) {
    return switch (event) {
      case Event.Opened opened -> CompletableFuture.completedFuture(encoder.opening());
      case Event.Made made ->
          CompletableFuture.completedFuture(encoder.token(made.choice(), made.token()));
      case Event.ChoiceFinished end ->
          CompletableFuture.completedFuture(
              encoder.choiceFinished(end.choice(), end.reason(), end.tail()));
      case Event.Finished end -> CompletableFuture.completedFuture(encoder.finished(end.usage()));
      case Event.Failed failed ->
          CompletableFuture.completedFuture(encoder.failed(failed.failure()));
      case Event.Aborted aborted ->
          Patterns.after(
              ABORT_DELAY,
              system.classicSystem(),
              () -> CompletableFuture.failedFuture(new AbortedException("generation failed")));
    };
  }
}
