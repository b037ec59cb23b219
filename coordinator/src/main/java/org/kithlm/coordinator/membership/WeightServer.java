package org.kithlm.coordinator.membership;

import static org.apache.pekko.http.javadsl.server.Directives.get;
import static org.apache.pekko.http.javadsl.server.Directives.getFromFile;
import static org.apache.pekko.http.javadsl.server.Directives.path;
import static org.apache.pekko.http.javadsl.server.Directives.pathPrefix;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.kithlm.node.control.JoinToken;

/**
 * Serves the pack file to the nodes of this cluster by HTTP Range requests. The path holds a random
 * ticket that only admitted nodes are told.
 */
public final class WeightServer {
  private final ServerBinding binding;
  private final String url;

  private WeightServer(ServerBinding binding, String url) {
    this.binding = binding;
    this.url = url;
  }

  /**
   * Starts to serve.
   *
   * @param host address to bind and to be reached at
   * @param port TCP port, 0 for any free one
   */
  public static CompletionStage<WeightServer> start(
      ActorSystem<?> system, String host, int port, Path pack) {
    String ticket = JoinToken.nonce();
    return Http.get(system)
        .newServerAt(host, port)
        .bind(pathPrefix(ticket, () -> path("pack", () -> get(() -> getFromFile(pack.toFile())))))
        .thenApply(
            binding ->
                new WeightServer(
                    binding,
                    "http://%s:%d/%s/pack"
                        .formatted(
                            host.indexOf(':') >= 0 ? "[" + host + "]" : host,
                            binding.localAddress().getPort(),
                            ticket)));
  }

  /** Where nodes fetch the pack. */
  public String url() {
    return url;
  }

  /** Stops serving; transfers under way are cut after the grace period. */
  public CompletionStage<?> stop(Duration grace) {
    return binding.terminate(grace);
  }
}
