package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The body of a response, taken batch by batch under a deadline for each: HttpClient's own timeout
 * ends with the headers. Filled by the client's thread, emptied by the caller's.
 */
final class HttpBody implements Flow.Subscriber<List<ByteBuffer>> {
  private sealed interface Signal {
    record Batch(List<ByteBuffer> buffers) implements Signal {}

    record Failed(Throwable cause) implements Signal {}

    record Ended() implements Signal {}
  }

  // One batch at most, as the next is requested when one is taken, and then the end.
  private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
  private final Duration stallDeadline;
  private volatile Flow.@Nullable Subscription subscription;

  HttpBody(Duration stallDeadline) {
    this.stallDeadline = stallDeadline;
  }

  /**
   * The next bytes, or null at the end.
   *
   * @throws TimeoutException if none came within the deadline
   * @throws IOException if the connection broke
   */
  @Nullable List<ByteBuffer> next() throws IOException, InterruptedException, TimeoutException {
    Signal signal = signals.poll(stallDeadline.toMillis(), TimeUnit.MILLISECONDS);
    return switch (signal) {
      case null -> throw new TimeoutException("no data for " + stallDeadline.toMillis() + " ms");
      case Signal.Batch batch -> {
        Flow.Subscription current = subscription;
        if (current != null) {
          current.request(1);
        }
        yield batch.buffers();
      }
      case Signal.Failed failed ->
          throw new IOException(failed.cause().getMessage(), failed.cause());
      case Signal.Ended ended -> null;
    };
  }

  @Override
  public void onSubscribe(Flow.Subscription newSubscription) {
    subscription = newSubscription;
    newSubscription.request(1);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    signals.add(new Signal.Batch(buffers));
  }

  @Override
  public void onError(Throwable cause) {
    signals.add(new Signal.Failed(cause));
  }

  @Override
  public void onComplete() {
    signals.add(new Signal.Ended());
  }
}
