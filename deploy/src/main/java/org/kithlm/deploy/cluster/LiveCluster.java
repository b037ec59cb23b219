package org.kithlm.deploy.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.Json;
import org.kithlm.node.control.RankStatistics;

/** Asks a running server what its ranks use, as its page does. One thread. */
public final class LiveCluster implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
  private final @Nullable String apiKey;

  /**
   * What it does now.
   *
   * @param queued requests that wait
   * @param generation the answer under way, or the last one; null before the first
   * @param used by each rank in this epoch; those that did not answer are missing
   * @param missing why nothing is known, null if it is
   */
  public record Figures(
      int queued,
      @Nullable Generation generation,
      Map<Integer, RankStatistics> used,
      @Nullable String missing) {
    static Figures missing(String reason) {
      return new Figures(0, null, Map.of(), reason);
    }
  }

  /** How an answer goes on. */
  public record Generation(String state, int completionTokens, double tokensPerSecond) {}

  private record Report(int queued, @Nullable Generation generation, List<Node> nodes) {}

  private record Node(int rank, @Nullable RankStatistics used) {}

  /** With the key of its endpoint, if it has one. */
  public LiveCluster(@Nullable String apiKey) {
    this.apiKey = apiKey;
  }

  /** Asks; a server that does not tell is no failure. */
  public Figures figures(StateFile.State state) throws InterruptedException {
    if (state.endpoint() == null) {
      return Figures.missing("the server has no endpoint");
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(state.endpoint() + "/api/kith/cluster"))
            .timeout(PATIENCE);
    if (apiKey != null) {
      request.header("Authorization", "Bearer " + apiKey);
    }
    try {
      HttpResponse<String> answer =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        return Figures.missing(
            answer.statusCode() == 401
                ? "the server wants its API key; set KITH_API_KEY"
                : "the server answered " + answer.statusCode());
      }
      return figures(Json.MAPPER.readValue(answer.body(), Report.class));
    } catch (JsonProcessingException e) {
      return Figures.missing("the server's answer is not understood: " + e.getOriginalMessage());
    } catch (IOException e) {
      return Figures.missing("the server at " + state.endpoint() + " did not answer: " + e);
    }
  }

  private static Figures figures(Report report) {
    Map<Integer, RankStatistics> used = new TreeMap<>();
    for (Node node : report.nodes()) {
      if (node.used() != null) {
        used.put(node.rank(), node.used());
      }
    }
    return new Figures(report.queued(), report.generation(), used, null);
  }

  @Override
  public void close() {
    http.close();
  }
}
