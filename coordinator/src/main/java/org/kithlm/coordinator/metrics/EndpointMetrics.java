package org.kithlm.coordinator.metrics;

import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.status.ClusterStatus;

/** The figures of one endpoint and its cluster, for Prometheus. Thread-safe. */
public final class EndpointMetrics {
  /**
   * Version of Prometheus's text format that {@link #scrape} writes, as UTF-8 {@code text/plain}.
   */
  public static final String FORMAT_VERSION = "0.0.4";

  private final PrometheusMeterRegistry registry;
  private final GenerationMeters generations;
  private final NodeMeters nodes;
  private volatile ClusterStatus status = ClusterStatus.UNKNOWN;

  /** Figures that all start at zero, in real time. */
  public EndpointMetrics() {
    this(Clock.SYSTEM);
  }

  EndpointMetrics(Clock clock) {
    registry =
        new PrometheusMeterRegistry(PrometheusConfig.DEFAULT, new PrometheusRegistry(), clock);
    generations = new GenerationMeters(registry);
    nodes = new NodeMeters(registry);
    Gauge.builder("kith.queue.length", () -> status.queued())
        .description("Requests that wait for their turn")
        .register(registry);
    Gauge.builder("kith.ready", () -> isReady(status) ? 1 : 0)
        .description("Whether requests are answered")
        .register(registry);
    Gauge.builder("kith.epoch", () -> epoch(status))
        .description("Number of the plan; grows with each new one")
        .register(registry);
    Gauge.builder("kith.nodes.lost", () -> status.lost().size())
        .description("Nodes that are gone and have not come back")
        .register(registry);
  }

  /** The same service, whose generations are counted. */
  public ChatService count(ChatService service) {
    return new CountedChatService(service, generations);
  }

  /** Counts an answer of the HTTP server. */
  public void answered(int httpStatus) {
    registry.counter("kith.http.responses", "status", Integer.toString(httpStatus)).increment();
  }

  /** All figures as text; those of the cluster are of the given moment. */
  public synchronized String scrape(ClusterStatus now) {
    status = now;
    nodes.update(now);
    return registry.scrape();
  }

  private static boolean isReady(ClusterStatus now) {
    return now.view() != null && now.view().phase() == ClusterView.Phase.READY;
  }

  private static long epoch(ClusterStatus now) {
    return now.view() == null ? 0 : now.view().epoch();
  }
}
