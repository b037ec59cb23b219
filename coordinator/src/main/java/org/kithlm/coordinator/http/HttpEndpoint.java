package org.kithlm.coordinator.http;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.pekko.Done;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.settings.ServerSettings;
import org.apache.pekko.stream.javadsl.Flow;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.metrics.EndpointMetrics;
import org.kithlm.coordinator.status.ClusterSource;

/** The chat endpoint while it listens. Thread-safe. */
public final class HttpEndpoint {
  /** For connections that bring a request in the moment of closing. */
  private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(1);

  /** What Pekko puts before the system's message. */
  private static final Pattern ADDRESS_PREFIX = Pattern.compile("^\\[[^ ]*\\] ");

  private final ServerBinding binding;
  private final ConnectionStage connections;

  private HttpEndpoint(ServerBinding binding, ConnectionStage connections) {
    this.binding = binding;
    this.connections = connections;
  }

  /**
   * Opens the endpoint. Looks up the host's name, so it may block for that.
   *
   * @param service what answers
   * @param cluster what the page shows
   * @return the endpoint, or a failure with a line for the user: IllegalArgumentException if the
   *     settings are unsafe, BindException if the address can't be had
   */
  public static CompletionStage<HttpEndpoint> start(
      ActorSystem<?> system,
      ChatService service,
      ClusterSource cluster,
      EndpointSettings settings) {
    InetAddress address;
    try {
      address = InetAddress.getByName(settings.host());
    } catch (UnknownHostException e) {
      return CompletableFuture.failedFuture(
          new BindException(
              "cannot listen on '" + settings.host() + "': no such host; try 127.0.0.1"));
    }
    if (!address.isLoopbackAddress() && settings.apiKey() == null) {
      return CompletableFuture.failedFuture(
          new IllegalArgumentException(
              "refusing to listen on "
                  + settings.host()
                  + " without an API key, as anyone on the network could use the model; set an"
                  + " API key or listen on 127.0.0.1"));
    }
    EndpointMetrics metrics = new EndpointMetrics();
    BodyReader bodies = new BodyReader(system, settings.limits());
    Router router =
        new Router(
            Routes.of(system, metrics.count(service), cluster, metrics, settings.limits(), bodies),
            new AccessRules(settings, address),
            new CorsPolicy(settings.allowedOrigins()),
            bodies,
            metrics);
    ConnectionStage connections = new ConnectionStage(router::handle, settings.limits().idle());
    return Http.get(system)
        .newServerAt(address.getHostAddress(), settings.port())
        .withSettings(serverSettings(system, settings.limits()))
        .bindFlow(Flow.fromGraph(connections))
        .handle(
            (binding, failure) -> {
              if (failure != null) {
                throw new CompletionException(bindFailure(settings, failure));
              }
              return new HttpEndpoint(binding, connections);
            });
  }

  private static ServerSettings serverSettings(
      ActorSystem<?> system, EndpointSettings.Limits limits) {
    // The backstop for a client that neither reads nor leaves: longer than any answer may take.
    Duration silence = limits.generation().plus(limits.idle());
    Config config =
        ConfigFactory.parseMap(
                Map.of(
                    "pekko.http.server.idle-timeout",
                    silence.toMillis() + " ms",
                    "pekko.http.server.max-connections",
                    limits.maxConnections()))
            .withFallback(
                ConfigFactory.parseResources(HttpEndpoint.class.getClassLoader(), "kith-http.conf"))
            .withFallback(system.settings().config());
    ApiException stopping =
        ApiException.of(
            StatusCodes.SERVICE_UNAVAILABLE, "the endpoint is shutting down", "shutting_down");
    return ServerSettings.create(config)
        .withTerminationDeadlineExceededResponse(ErrorResponses.of(stopping));
  }

  private static BindException bindFailure(EndpointSettings settings, Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null && !(cause instanceof BindException)) {
      cause = cause.getCause();
    }
    BindException clear =
        new BindException(
            "cannot listen on "
                + settings.host()
                + ":"
                + settings.port()
                + ": "
                + ADDRESS_PREFIX.matcher(String.valueOf(cause.getMessage())).replaceFirst("")
                + "; stop what listens there or choose another port (0 for a free one)");
    clear.initCause(failure);
    return clear;
  }

  /** Where it listens, with the port it got. */
  public InetSocketAddress address() {
    return binding.localAddress();
  }

  /**
   * Stops listening and waits for running answers, at most until the deadline; then they are cut
   * off and their generations cancelled.
   */
  public CompletionStage<Done> stop(Duration deadline) {
    // Pekko's own termination cuts streams at once, so running answers are waited for here.
    return binding
        .unbind()
        .thenCompose(
            unbound ->
                connections
                    .drain()
                    .completeOnTimeout(null, deadline.toMillis(), TimeUnit.MILLISECONDS))
        .thenCompose(drained -> binding.terminate(CLOSE_DEADLINE))
        .thenApply(terminated -> Done.done());
  }
}
