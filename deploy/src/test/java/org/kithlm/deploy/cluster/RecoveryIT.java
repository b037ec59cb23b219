package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.Json;

/** Answers that outlive the processes that began them. */
@Tag("fault")
class RecoveryIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** The likeliest token is far ahead, so that rounding, which differs by rank, decides nothing. */
  private static final String COUNTING = "Counting: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,";

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  private static KithProcess cluster(int nodes) throws Exception {
    String[] command = {
      "local", "-n", Integer.toString(nodes), MODEL, "--context", "1024", "--port", "0", "--json"
    };
    return KithProcess.start(TestModel.HOME, command);
  }

  private static void kill(JsonNode ready, int rank) {
    long pid = ready.get("nodes").get(rank).get("pid").asLong();
    assertTrue(ProcessHandle.of(pid).orElseThrow().destroyForcibly());
  }

  private static StreamedCompletion counting(String endpoint) throws Exception {
    return StreamedCompletion.start(endpoint, MODEL, COUNTING, 60);
  }

  @Test
  void shouldGoOnInTheSameStreamUntilOnlyTheRootIsLeft() throws Exception {
    try (KithProcess cluster = cluster(3)) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      String endpoint = ready.get("endpoint").asText();
      String expected;
      try (StreamedCompletion undisturbed = counting(endpoint)) {
        expected = undisturbed.readAll();
      }
      try (StreamedCompletion disturbed = counting(endpoint)) {
        disturbed.readTo(8);
        kill(ready, 2);
        disturbed.readTo(30);
        kill(ready, 1);
        assertEquals(expected, disturbed.readAll());
      }
      try (StreamedCompletion next = counting(endpoint)) {
        assertEquals(expected, next.readAll());
      }
    }
  }

  @Test
  void shouldRunAPromptAgainThatWasUnderWay() throws Exception {
    String prompt =
        IntStream.range(1, 120).mapToObj(Integer::toString).collect(Collectors.joining(", "));
    try (KithProcess cluster = cluster(2);
        HttpClient client = HttpClient.newHttpClient()) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      String endpoint = ready.get("endpoint").asText();
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(endpoint + "/v1/completions"))
              .timeout(Duration.ofSeconds(90))
              .header("Content-Type", "application/json")
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      """
                      {"model": "%s", "prompt": "%s,", "max_tokens": 8, "temperature": 0}
                      """
                          .formatted(MODEL, prompt)))
              .build();
      var answer = client.sendAsync(request, HttpResponse.BodyHandlers.ofString());
      HttpRequest status =
          HttpRequest.newBuilder(URI.create(endpoint + "/api/kith/cluster")).build();
      Await.until(
          "a prefill",
          PATIENCE,
          () ->
              client
                  .send(status, HttpResponse.BodyHandlers.ofString())
                  .body()
                  .contains("\"prefill\""));
      kill(ready, 1);

      HttpResponse<String> response = answer.join();
      assertEquals(200, response.statusCode(), response::body);
      assertEquals(
          " 120, 12",
          Json.MAPPER.readTree(response.body()).at("/choices/0/text").asText().substring(0, 8));
    }
  }
}
