package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.Json;

/** Whole clusters of real processes on a real model. */
class LocalClusterIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  @Test
  @Tag("fault")
  void shouldNameTheRankThatDiedAndServeTheNextRequest() throws Exception {
    try (KithProcess cluster =
            KithProcess.start(TestModel.HOME, "local", "-n", "2", MODEL, "--port", "0", "--json");
        HttpClient client = HttpClient.newHttpClient()) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      URI completions = URI.create(ready.get("endpoint").asText() + "/v1/completions");
      var failed =
          client.sendAsync(completion(completions, 4000), HttpResponse.BodyHandlers.ofString());
      long leaf = ready.get("nodes").get(1).get("pid").asLong();
      assertTrue(ProcessHandle.of(leaf).orElseThrow().destroyForcibly());
      HttpResponse<String> failure = failed.join();
      assertTrue(failure.statusCode() >= 500, failure::body);
      assertTrue(failure.body().contains("rank 1"), failure::body);

      HttpResponse<String> next = null;
      long deadlineNs = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (System.nanoTime() < deadlineNs && (next == null || next.statusCode() == 503)) {
        next = client.send(completion(completions, 3), HttpResponse.BodyHandlers.ofString());
      }
      assertTrue(next != null && next.statusCode() == 200, String.valueOf(next));
    }
  }

  @Test
  void shouldRefuseAWrongToken() throws Exception {
    try (KithProcess cluster =
        KithProcess.start(
            TestModel.HOME,
            "up",
            MODEL,
            "--host",
            "127.0.0.1",
            "--control-port",
            "0",
            "--join-port",
            "0",
            "--port",
            "0")) {
      cluster.awaitLine(); // served
      String wrong = cluster.joinToken().replaceFirst("/[0-9a-f]{32}$", "/" + "0".repeat(32));
      try (KithProcess node =
          KithProcess.start(TestModel.HOME, "join", wrong, "--name", "stranger")) {
        assertEquals(5, node.awaitExit(), node.errors());
        assertTrue(node.errors().contains("refused the join token"), node.errors());
        assertFalse(node.errors().contains("\tat "), node.errors());
      }
    }
  }

  private static HttpRequest completion(URI uri, int maxTokens) {
    return HttpRequest.newBuilder(uri)
        .timeout(Duration.ofSeconds(90))
        .header("Content-Type", "application/json")
        .POST(
            HttpRequest.BodyPublishers.ofString(
                """
                {"model": "%s", "prompt": "Once upon a time", "max_tokens": %d, "temperature": 0}
                """
                    .formatted(MODEL, maxTokens)))
        .build();
  }
}
