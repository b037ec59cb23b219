package org.kithlm.coordinator.http;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import org.apache.pekko.Done;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one connection, one at a time. While one runs the next is already asked for, as
 * only a server that reads notices that the client has gone; the handler is then told. A connection
 * that brings no whole request head for some time is closed, however slowly it drips. One logic per
 * connection, owned by its stream.
 */
final class ConnectionStage extends GraphStage<FlowShape<HttpRequest, HttpResponse>> {
  private final Inlet<HttpRequest> in = Inlet.create("requests");
  private final Outlet<HttpResponse> out = Outlet.create("responses");
  private final BiFunction<HttpRequest, CompletionStage<Done>, CompletionStage<HttpResponse>>
      handler;
  private final Duration idle;

  /**
   * A stage for any number of connections.
   *
   * @param handler answers a request and never fails; its second argument completes when the
   *     connection ends before the answer was sent
   * @param idle longest wait for a request head
   */
  ConnectionStage(
      BiFunction<HttpRequest, CompletionStage<Done>, CompletionStage<HttpResponse>> handler,
      Duration idle) {
    this.handler = handler;
    this.idle = idle;
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

    /** Completed if the connection ends; null while no request runs. */
    private @Nullable CompletableFuture<Done> closed;

    /** A pipelined request, which waits for the running one. */
    private @Nullable HttpRequest next;

    Connection() {
      super(shape());
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              next = grab(in);
              startNext();
            }

            @Override
            public void onUpstreamFinish() {
              // "Connection: close" ends the requests too; a lost client cancels the responses.
              if (closed == null && next == null) {
                completeStage();
              }
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              // Asked for a response: the previous one has been sent, to its last byte.
              closed = null;
              startNext();
            }
          });
    }

    @Override
    public void preStart() {
      waitForRequest();
    }

    private void startNext() {
      if (closed != null || next == null || !isAvailable(out)) {
        waitForRequest();
        return;
      }
      HttpRequest request = next;
      next = null;
      CompletableFuture<Done> running = new CompletableFuture<>();
      closed = running;
      cancelTimer(in);
      waitForRequest();
      handler.apply(request, running).thenAccept(answered::invoke);
    }

    private void waitForRequest() {
      if (next == null && isClosed(in) && closed == null) {
        completeStage();
      } else if (next == null && !isClosed(in) && !hasBeenPulled(in)) {
        pull(in);
      }
      if (closed == null && next == null && !isTimerActive(in)) {
        scheduleOnce(in, idle);
      }
    }

    private void onAnswer(HttpResponse response) {
      push(out, response);
    }

    @Override
    public void onTimer(Object timerKey) {
      completeStage();
    }

    @Override
    public void postStop() {
      if (closed != null) {
        closed.complete(Done.done());
      }
    }
  }
}
