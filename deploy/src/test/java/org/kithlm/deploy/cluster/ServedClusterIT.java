package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
  private static final Duration PATIENCE = Duration.ofMinutes(2); // for a slow machine

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
    ChatModel whole =
        OpenAiChatModel.builder()
            .baseUrl(endpoint + "/v1")
            .apiKey(KEY)
            .modelName(MODEL)
            .temperature(0.0)
            .maxCompletionTokens(8)
            .timeout(PATIENCE)
            .build();
    ChatResponse answer = whole.chat(UserMessage.from("Say hello."));
    CompletableFuture<ChatResponse> streamed = new CompletableFuture<>();
    StringBuilder parts = new StringBuilder();
    OpenAiStreamingChatModel.builder()
        .baseUrl(endpoint + "/v1")
        .apiKey(KEY)
        .modelName(MODEL)
        .temperature(0.0)
        .maxCompletionTokens(8)
        .timeout(PATIENCE)
        .build()
        .chat(
            "Say hello.",
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String part) {
                parts.append(part);
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                streamed.complete(response);
              }

              @Override
              public void onError(Throwable failure) {
                streamed.completeExceptionally(failure);
              }
            });

    ChatResponse end = streamed.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertFalse(answer.aiMessage().text().isBlank());
    assertEquals(answer.aiMessage().text(), parts.toString());
    assertEquals(answer.aiMessage().text(), end.aiMessage().text());
    assertEquals(answer.finishReason(), end.finishReason());
    assertEquals(answer.tokenUsage().outputTokenCount(), end.tokenUsage().outputTokenCount());
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
