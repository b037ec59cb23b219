package org.kithlm.coordinator.metrics;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.MockClock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.Generation;
import org.kithlm.coordinator.generation.GenerationListener;
import org.kithlm.coordinator.generation.GenerationRefusedException;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.coordinator.generation.ModelCard;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.status.ClusterStatus;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.node.control.RankStatistics;

class EndpointMetricsTest {
  private static final GenerationListener.Token TOKEN =
      new GenerationListener.Token(7, "a", -1, List.of());

  private final MockClock clock = new MockClock();
  private final EndpointMetrics metrics = new EndpointMetrics(clock);

  private static ClusterStatus status(RankStatistics used) {
    ClusterView.NodeView node =
        new ClusterView.NodeView(
            1, "attic", 42, "10.0.0.2", "ready", 0.5, null, 4096, null, null, null);
    return new ClusterStatus(
        new ClusterView(ClusterView.Phase.READY, 3, List.of(node), null, null),
        List.of(new ClusterStatus.LostNode(node, 5)),
        Map.of(1, used),
        2,
        null);
  }

  private void assertTold(ClusterStatus status, String... lines) {
    String text = metrics.scrape(status);
    for (String line : lines) {
      assertTrue(text.contains("\n" + line + "\n"), line + " is not in\n" + text);
    }
  }

  private GenerationListener generate(GenerationListener listener) {
    ScriptedService service = new ScriptedService();
    metrics
        .count(service)
        .generate(
            new GenerationRequest(new int[] {1}, 4, SamplingParameters.greedy(), List.of(), 0),
            listener);
    return service.listener;
  }

  @Test
  void shouldTellOfTheCluster() {
    RankStatistics used =
        new RankStatistics(42, 1000, 2000, 4096, 512, 1500, 250, 125, 0.25, 1.5, 0, null);

    assertTold(
        status(used),
        "kith_ready 1.0",
        "kith_epoch 3.0",
        "kith_queue_length 2.0",
        "kith_nodes_lost 1.0",
        "kith_node_share{node=\"attic\",rank=\"1\"} 0.5",
        "kith_node_rss_bytes{node=\"attic\",rank=\"1\"} 1000.0",
        "kith_node_rss_peak_bytes{node=\"attic\",rank=\"1\"} 2000.0",
        "kith_node_weights_resident_bytes{node=\"attic\",rank=\"1\"} 4096.0",
        "kith_node_weights_streamed_bytes{node=\"attic\",rank=\"1\"} 512.0",
        "kith_node_compute_seconds{node=\"attic\",rank=\"1\"} 1.5",
        "kith_node_collective_seconds{node=\"attic\",rank=\"1\"} 0.25",
        "kith_node_disk_wait_seconds{node=\"attic\",rank=\"1\"} 0.125",
        "kith_node_allreduce_seconds{node=\"attic\",quantile=\"0.5\",rank=\"1\"} 2.5E-4",
        "kith_node_allreduce_seconds{node=\"attic\",quantile=\"0.99\",rank=\"1\"} 0.0015");
  }

  @Test
  void shouldForgetNodesThatAreGone() {
    metrics.scrape(
        status(new RankStatistics(42, 1000, 2000, 4096, 512, 1500, 250, 125, 1, 2, 0, null)));

    String text = metrics.scrape(ClusterStatus.UNKNOWN);

    assertFalse(text.contains("attic"), text);
    assertTrue(text.contains("kith_ready 0.0"), text);
  }

  @Test
  void shouldCountTokensAndTimes() {
    GenerationListener told = generate(new Ignoring());
    clock.add(Duration.ofMillis(1500));
    told.onToken(0, TOKEN);
    clock.add(Duration.ofMillis(100));
    told.onToken(0, TOKEN);
    told.onChoice(0, FinishReason.LENGTH, "");
    told.onChoice(1, FinishReason.ABANDONED, "");
    told.onFinished(new GenerationListener.Usage(9, 4, 2, 1200, 50));

    assertTold(
        ClusterStatus.UNKNOWN,
        "kith_generations_total{outcome=\"length\"} 1.0",
        "kith_generations_total{outcome=\"abandoned\"} 1.0",
        "kith_prompt_tokens_total 9.0",
        "kith_prompt_tokens_cached_total 4.0",
        "kith_completion_tokens_total 2.0",
        "kith_ttft_seconds_sum 1.5",
        "kith_ttft_seconds_bucket{le=\"1.0\"} 0",
        "kith_ttft_seconds_bucket{le=\"2.0\"} 1",
        "kith_tpot_seconds_count 1",
        "kith_tpot_seconds_sum 0.02");
  }

  @Test
  void shouldCountWhatDidNotEndWell() {
    generate(new Ignoring()).onFailed("rank 1 is lost");
    ChatService refusing = metrics.count(new ScriptedService());
    assertThrows(
        GenerationRefusedException.class,
        () ->
            refusing.generate(
                new GenerationRequest(new int[0], 4, SamplingParameters.greedy(), List.of(), 0),
                new Ignoring()));
    metrics.answered(429);
    metrics.answered(429);

    assertTold(
        ClusterStatus.UNKNOWN,
        "kith_generations_total{outcome=\"failed\"} 1.0",
        "kith_generations_total{outcome=\"invalid\"} 1.0",
        "kith_http_responses_total{status=\"429\"} 2.0");
  }

  private static final class Ignoring implements GenerationListener {
    @Override
    public void onToken(int choice, Token token) {}

    @Override
    public void onChoice(int choice, FinishReason reason, String tail) {}

    @Override
    public void onFinished(Usage usage) {}

    @Override
    public void onCancelled(Usage usage) {}

    @Override
    public void onFailed(String message) {}

    @Override
    public void onNotReady(String message) {}
  }

  /** Keeps the listener; refuses an empty prompt. */
  private static final class ScriptedService implements ChatService {
    private GenerationListener listener = new Ignoring();

    @Override
    public Generation generate(GenerationRequest request, GenerationListener told) {
      if (request.prompt().length == 0) {
        throw new GenerationRefusedException(GenerationRefusedException.Reason.INVALID, "empty");
      }
      listener = told;
      return () -> {};
    }

    @Override
    public Model model() {
      throw new UnsupportedOperationException();
    }

    @Override
    public ModelCard card() {
      throw new UnsupportedOperationException();
    }

    @Override
    public Health health() {
      throw new UnsupportedOperationException();
    }

    @Override
    public int[] tokenize(String text) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String tokenText(int token) {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] tokenBytes(int token) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int[] tokenizeChat(List<Message> messages, List<Map<String, Object>> tools) {
      throw new UnsupportedOperationException();
    }
  }
}
