package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.Json;

/** Chats of a real model that go on from the disks of real processes. */
class KvStoreIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final Path KEPT = TestModel.HOME.resolve("kv");
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  /** Some 300 tokens. */
  private static final String QUESTION =
      "Here is what I did in my garden. "
          + "On Monday I dug a bed and sowed carrots, beans and radishes. ".repeat(18)
          + "What did I sow?";

  private static String[] answers; // of the first turn and of the second, without any disk

  /** An answer and how much of its prompt was not run. */
  private record Answer(String text, int cachedTokens, int promptTokens) {}

  @BeforeAll
  static void answerWithoutDisks() throws Exception {
    TestModel.SMOLLM2.pull();
    try (KithProcess cluster = cluster(2)) {
      String endpoint = endpoint(cluster);
      String first = ask(endpoint, List.of()).text();
      answers = new String[] {first, ask(endpoint, List.of(first)).text()};
    }
  }

  @AfterAll
  static void closeClient() {
    CLIENT.close();
  }

  @BeforeEach
  void deleteWhatWasKept() throws IOException {
    if (Files.exists(KEPT)) {
      try (Stream<Path> files = Files.walk(KEPT)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  private static KithProcess cluster(int nodes, String... options) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("local", "-n", Integer.toString(nodes), MODEL, "--context"));
    command.addAll(List.of("2048", "--port", "0", "--json"));
    command.addAll(List.of(options));
    return KithProcess.start(TestModel.HOME, command.toArray(String[]::new));
  }

  private static String endpoint(KithProcess cluster) throws Exception {
    return Json.MAPPER.readTree(cluster.awaitLine()).get("endpoint").asText();
  }

  /** Asks the question, or after answers for more. */
  private static Answer ask(String endpoint, List<String> answersBefore) throws Exception {
    ObjectNode body = Json.MAPPER.createObjectNode().put("model", MODEL);
    body.put("max_tokens", 80).put("temperature", 0);
    ArrayNode messages = body.putArray("messages");
    messages.addObject().put("role", "user").put("content", QUESTION);
    for (String answer : answersBefore) {
      messages.addObject().put("role", "assistant").put("content", answer);
      messages.addObject().put("role", "user").put("content", "And what should I do next?");
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoint + "/v1/chat/completions"))
            .timeout(Duration.ofMinutes(2))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(Json.MAPPER.writeValueAsString(body)))
            .build();
    HttpResponse<String> response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response::body);
    JsonNode answer = Json.MAPPER.readTree(response.body());
    return new Answer(
        answer.at("/choices/0/message/content").asText(),
        answer.at("/usage/prompt_tokens_details/cached_tokens").asInt(),
        answer.at("/usage/prompt_tokens").asInt());
  }

  private static Answer askForMore(String endpoint) throws Exception {
    Answer more = ask(endpoint, List.of(answers[0]));
    assertEquals(answers[1], more.text());
    return more;
  }

  private static long kept(String figure, String endpoint) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(endpoint + "/metrics")).build();
    return CLIENT
        .send(request, HttpResponse.BodyHandlers.ofString())
        .body()
        .lines()
        .filter(line -> line.startsWith(figure + "{"))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Test
  void shouldGoOnAfterARestartAndRunAgainWhatThePlanHasMoved() throws Exception {
    String[] option = {"--kv-store", "512M"};
    int firstTokens;
    try (KithProcess cluster = cluster(2, option)) {
      String endpoint = endpoint(cluster);
      Answer first = ask(endpoint, List.of());
      assertEquals(answers[0], first.text());
      firstTokens = first.promptTokens();
      Await.until(
          "all pages on disk",
          Duration.ofSeconds(20),
          () -> kept("kith_node_kv_pages_stored", endpoint) >= firstTokens / 64 * 2L);
    }
    try (KithProcess cluster = cluster(2, option)) {
      String endpoint = endpoint(cluster);
      Answer more = askForMore(endpoint);
      assertTrue(more.cachedTokens() >= firstTokens / 64 * 64, more::toString);
      assertTrue(kept("kith_node_kv_pages_restored", endpoint) > 0);
      assertTrue(kept("kith_node_kv_store_bytes", endpoint) > 0);
    }
    try (KithProcess cluster = cluster(1, option)) { // one of the heads is new to it
      String endpoint = endpoint(cluster);
      assertEquals(0, askForMore(endpoint).cachedTokens());
    }
    try (KithProcess cluster = cluster(1, option)) {
      String endpoint = endpoint(cluster);
      assertTrue(askForMore(endpoint).cachedTokens() >= firstTokens / 64 * 64);
    }
    try (Stream<Path> files = Files.walk(KEPT)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String rights = PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
        assertTrue(rights.endsWith("------"), file + " " + rights);
      }
    }
  }

  @Test
  @Tag("fault")
  void shouldGoOnAfterItsProcessesWereKilled() throws Exception {
    String[] option = {"--kv-store", "512M"};
    try (KithProcess cluster = cluster(2, option)) {
      String endpoint = endpoint(cluster);
      assertEquals(answers[0], ask(endpoint, List.of()).text());
      Await.until(
          "pages on disk",
          Duration.ofSeconds(20),
          () -> kept("kith_node_kv_pages_stored", endpoint) > 8);
      JsonNode nodes = Json.MAPPER.readTree(status(endpoint)).get("nodes");
      for (JsonNode node : nodes) {
        ProcessHandle.of(node.get("pid").asLong()).ifPresent(ProcessHandle::destroyForcibly);
      }
      cluster.awaitExit();
    }
    try (KithProcess cluster = cluster(2, option)) {
      assertTrue(askForMore(endpoint(cluster)).cachedTokens() > 0);
    }
  }

  private static String status(String endpoint) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoint + "/api/kith/cluster")).build();
    return CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  @Test
  void shouldKeepNothingUnasked() throws Exception {
    try (KithProcess cluster = cluster(1)) {
      assertEquals(answers[0], ask(endpoint(cluster), List.of()).text());
    }
    assertFalse(Files.exists(KEPT));
  }
}
