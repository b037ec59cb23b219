package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.http.PythonClient;
import org.kithlm.deploy.Json;

/** Clients of a real model on two real processes. */
@Tag("model")
class ServedClusterIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final String KEY = "s3cret";

  /** Less than one of the bodies, and than a megabyte for each client. */
  private static final long GROWTH_MAX_BYTES = 64 << 20;

  private static KithProcess cluster;
  private static String endpoint;

  @BeforeAll
  static void startCluster() throws Exception {
    TestModel.SMOLLM2.pull();
    String[] command = {"local", "-n", "2", MODEL, "--port", "0", "--api-key", KEY, "--json"};
    cluster = KithProcess.start(TestModel.HOME, command);
    endpoint = Json.MAPPER.readTree(cluster.awaitLine()).get("endpoint").asText();
  }

  @AfterAll
  static void stopCluster() throws IOException {
    if (cluster != null) {
      cluster.close();
    }
  }

  @Test
  void shouldServeTheOpenAiClient() throws Exception {
    PythonClient.openAi().check(endpoint + "/v1", MODEL, KEY);
  }

  @Test
  void shouldServeTheOllamaClient() throws Exception {
    PythonClient.ollama().check(endpoint, MODEL, KEY);
  }

  @Test
  void shouldServeLangChain() throws Exception {
    PythonClient.langChain().check(endpoint + "/v1", MODEL, KEY);
  }

  @Test
  void shouldServeOpenWebUi() throws Exception {
    PythonClient.openWebUi().check(endpoint, MODEL, KEY);
  }

  @Test
  void shouldServeLangChain4j() throws Exception {
    LangChain4jClient client = new LangChain4jClient(endpoint + "/v1", MODEL, KEY);
    client.checkChat();
    client.checkTools();
    client.checkJsonSchema();
    client.checkBackground();
    client.checkErrors();
  }

  @Test
  void shouldChatBesideBadClientsInBoundedMemory() throws Exception {
    LangChain4jClient client = new LangChain4jClient(endpoint + "/v1", MODEL, KEY);
    client.checkChat();
    long before = rssBytes();
    try (BadClients crowd = new BadClients(URI.create(endpoint), KEY)) {
      crowd.openSlowly(200);
      crowd.sendLargeBodies(20, 100_000_000);
      crowd.readNothing(10, MODEL); // fewer than may wait for their turn

      client.checkChat();

      long grown = rssBytes() - before;
      assertTrue(grown < GROWTH_MAX_BYTES, "resident memory has grown by " + grown);
    }
  }

  /** Resident memory of the coordinator. */
  private static long rssBytes() throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(endpoint + "/api/kith/cluster"))
              .header("Authorization", "Bearer " + KEY)
              .build();
      String report = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
      return Json.MAPPER.readTree(report).at("/nodes/0/used/rss_bytes").asLong();
    }
  }

  @Test
  void shouldChatInTheTerminal() throws Exception {
    String[] command = {"chat", "--url", endpoint, "--api-key", KEY, "--temperature", "0"};
    try (KithProcess chat = KithProcess.start(TestModel.HOME, command)) {
      chat.type("What is the capital of France?\n/exit\n");

      assertTrue(chat.awaitLine().startsWith(MODEL), chat.errors());
      String answer = chat.awaitLine();
      assertEquals(0, chat.awaitExit(), chat.errors());
      assertTrue(answer.startsWith("> ") && answer.contains("Paris"), answer);
      assertTrue(chat.errors().contains(" tokens/s"), chat.errors());
    }
  }
}
