package org.kithlm.deploy.chat;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/** Lines of a response on their way from the HTTP client's threads to the one that reads them. */
final class LineQueue implements Flow.Subscriber<String> {
  /** Lines that may wait; the server is slowed down beyond it. */
  private static final int LINES_MAX = 1024;

  private final BlockingQueue<Optional<String>> lines = new LinkedBlockingQueue<>();
  private volatile Flow.@Nullable Subscription subscription;

  /**
   * The next line, nothing at the end.
   *
   * @throws KithException if none of both comes in time
   */
  Optional<String> next(Duration silenceMax) throws InterruptedException {
    Optional<String> line = lines.poll(silenceMax.toMillis(), TimeUnit.MILLISECONDS);
    if (line == null) {
      throw new KithException(
          ExitCode.UNREACHABLE,
          "the endpoint has been silent for " + silenceMax.toSeconds() + " s");
    }
    Flow.Subscription source = subscription;
    if (source != null) {
      source.request(1);
    }
    return line;
  }

  /** Says that no line will follow. */
  void end() {
    lines.add(Optional.empty());
  }

  @Override
  public void onSubscribe(Flow.Subscription source) {
    subscription = source;
    source.request(LINES_MAX);
  }

  @Override
  public void onNext(String line) {
    lines.add(Optional.of(line));
  }

  @Override
  public void onError(Throwable failure) {
    // The response's future brings it.
  }

  @Override
  public void onComplete() {
    // The response's future says so too.
  }
}
