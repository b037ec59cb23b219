package org.kithlm.coordinator.http;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.kithlm.coordinator.metrics.EndpointMetrics;
import org.kithlm.coordinator.status.ClusterSource;

/** {@code GET /metrics}, for Prometheus. Thread-safe. */
final class MetricsHandler {
  private static final ContentType TYPE =
      MediaTypes.customWithOpenCharset(
              "text", "plain", Map.of("version", EndpointMetrics.FORMAT_VERSION), false)
          .toContentType(HttpCharsets.UTF_8);

  private final EndpointMetrics metrics;
  private final ClusterSource cluster;

  MetricsHandler(EndpointMetrics metrics, ClusterSource cluster) {
    this.metrics = metrics;
    this.cluster = cluster;
  }

  CompletionStage<HttpResponse> get() {
    return cluster
        .status()
        .thenApply(
            status ->
                HttpResponse.create()
                    .withEntity(
                        HttpEntities.create(
                            TYPE, metrics.scrape(status).getBytes(StandardCharsets.UTF_8))));
  }
}
