package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
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
