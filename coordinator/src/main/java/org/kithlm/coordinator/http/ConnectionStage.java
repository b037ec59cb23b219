package org.kithlm.coordinator.http;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpProtocols;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;
import org.apache.pekko.util.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one connection, one at a time. While one runs the next is already asked for, as
 * only a server that reads notices that the client has gone; the handler is then told. A connection
 * that brings no whole request head for some time is closed, however slowly it drips. One logic per
 * connection, owned by its stream.
 *
 * <p>After {@code Connection: close}, and in HTTP/1.0, Pekko reads no further, so of such a client
 * only a failed write tells that it has gone.
 */
final class ConnectionStage extends GraphStage<FlowShape<HttpRequest, HttpResponse>> {
  private final Inlet<HttpRequest> in = Inlet.create("requests");
  private final Outlet<HttpResponse> out = Outlet.create("responses");
  private final BiFunction<HttpRequest, CompletionStage<Done>, CompletionStage<HttpResponse>>
      handler;
  private final Duration idle;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

  /**
   * A stage for any number of connections.
   *
   * @param handler answers a request and never fails; its second argument completes when the
   *     exchange is over: the answer is sent, or the client has gone
   * @param idle longest wait for a request head
   */
  ConnectionStage(
      BiFunction<HttpRequest, CompletionStage<Done>, CompletionStage<HttpResponse>> handler,
      Duration idle) {
    this.handler = handler;
    this.idle = idle;
  }

  /** Closes every connection once its running exchange is over; completes when all are closed. */
  CompletableFuture<Void> drain() {
    List<Connection> open = List.copyOf(connections);
    open.forEach(connection -> connection.drain.invoke(Done.done()));
    return CompletableFuture.allOf(
        open.stream().map(connection -> connection.ended).toArray(CompletableFuture<?>[]::new));
  }

  @Override
  public FlowShape<HttpRequest, HttpResponse> shape() {
    return FlowShape.of(in, out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes inheritedAttributes) {
    return new Connection();
  }

  private final class Connection extends TimerGraphStageLogic {
    private final AsyncCallback<HttpResponse> answered = createAsyncCallback(this::onAnswer);
    private final AsyncCallback<Done> sent = createAsyncCallback(done -> finishExchange());
    private final AsyncCallback<Done> drain = createAsyncCallback(done -> closeWhenDone());
    private final CompletableFuture<Done> ended = new CompletableFuture<>();

    /** Told when what runs now is over; null between two exchanges. */
    private @Nullable CompletableFuture<Done> exchange;

    /** A pipelined request, which waits for the running one. */
    private @Nullable HttpRequest next;

    /** Whether Pekko reads on after the last request, so that an end means a lost client. */
    private boolean reading;

    private boolean streaming;
    private boolean draining;

    Connection() {
      super(shape());
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              next = grab(in);
              reading = !endsConnection(next);
              proceed();
            }

            @Override
            public void onUpstreamFinish() {
              if (exchange == null && next == null) {
                completeStage();
              } else if (exchange != null && reading) {
                exchange.complete(Done.done()); // the client has gone
              }
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              // Asked for the next response: this one was written, unless it is a stream.
              if (!streaming) {
                finishExchange();
              }
            }
          });
    }

    @Override
    public void preStart() {
      connections.add(this);
      scheduleOnce(in, idle);
      pull(in);
    }

    /** Starts the next request if nothing runs, and asks for the one after it. */
    private void proceed() {
      if (exchange == null && next != null && isAvailable(out)) {
        start(next);
        next = null;
      }
      if (exchange == null && next == null && isClosed(in)) {
        completeStage();
      } else if (next == null && !isClosed(in) && !hasBeenPulled(in)) {
        pull(in);
      }
    }

    private void start(HttpRequest request) {
      cancelTimer(in);
      CompletableFuture<Done> over = new CompletableFuture<>();
      exchange = over;
      handler.apply(request, over).thenAccept(answered::invoke);
    }

    private void onAnswer(HttpResponse response) {
      streaming = !response.entity().isStrict();
      push(out, streaming ? reportingItsEnd(response) : response);
    }

    private HttpResponse reportingItsEnd(HttpResponse response) {
      return response.transformEntityDataBytes(
          Flow.of(ByteString.class)
              .watchTermination(
                  (mat, done) -> done.whenComplete((end, failure) -> sent.invoke(Done.done()))));
    }

    private void finishExchange() {
      streaming = false;
      endExchange();
      if (draining) {
        completeStage();
        return;
      }
      if (next == null && !isTimerActive(in)) {
        scheduleOnce(in, idle);
      }
      proceed();
    }

    private void endExchange() {
      if (exchange != null) {
        exchange.complete(Done.done());
        exchange = null;
      }
    }

    private void closeWhenDone() {
      draining = true;
      if (exchange == null) {
        completeStage();
      }
    }

    @Override
    public void onTimer(Object timerKey) {
      completeStage();
    }

    @Override
    public void postStop() {
      endExchange();
      connections.remove(this);
      ended.complete(Done.done());
    }
  }

  /** Whether Pekko reads nothing after this request. */
  private static boolean endsConnection(HttpRequest request) {
    return request.protocol().equals(HttpProtocols.HTTP_1_0)
        || request
            .getHeader("Connection")
            .map(header -> header.value().toLowerCase(Locale.ROOT).contains("close"))
            .orElse(false);
  }
}
