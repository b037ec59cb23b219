package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiChatModel.OpenAiChatModelBuilder;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.kithlm.deploy.Json;

/**
 * What applications on LangChain4j do with its unmodified client of OpenAI. Each check is greedy.
 *
 * @param url of the API, with {@code /v1}
 */
record LangChain4jClient(String url, String model, String key) {
  private static final Duration PATIENCE = Duration.ofMinutes(2); // for a slow machine
  private static final JsonObjectSchema GREETING =
      JsonObjectSchema.builder()
          .addEnumProperty("tone", List.of("warm", "cool"))
          .addIntegerProperty("times")
          .required("tone", "times")
          .additionalProperties(false)
          .build();
  private static final ToolSpecification GREET =
      ToolSpecification.builder()
          .name("greet")
          .description("Greets the user some times.")
          .parameters(GREETING)
          .build();
  private static final UserMessage ASK_FOR_CALL = UserMessage.from("Greet me warmly, twice.");

  private OpenAiChatModelBuilder builder(int tokens) {
    return OpenAiChatModel.builder()
        .baseUrl(url)
        .apiKey(key)
        .modelName(model)
        .temperature(0.0)
        .maxCompletionTokens(tokens)
        .maxRetries(0)
        .timeout(PATIENCE);
  }

  private StreamingChatModel streaming(int tokens) {
    return OpenAiStreamingChatModel.builder()
        .baseUrl(url)
        .apiKey(key)
        .modelName(model)
        .temperature(0.0)
        .maxCompletionTokens(tokens)
        .timeout(PATIENCE)
        .build();
  }

  private static ChatResponse streamed(
      StreamingChatModel model, ChatRequest request, StringBuilder text) throws Exception {
    CompletableFuture<ChatResponse> streamed = new CompletableFuture<>();
    model.chat(
        request,
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String part) {
            text.append(part);
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
    return streamed.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** A stream brings the answer that comes whole otherwise. */
  void checkChat() throws Exception {
    ChatRequest request = ChatRequest.builder().messages(UserMessage.from("Say hello.")).build();
    ChatResponse answer = builder(8).build().chat(request);
    StringBuilder parts = new StringBuilder();

    ChatResponse end = streamed(streaming(8), request, parts);

    assertFalse(answer.aiMessage().text().isBlank());
    assertEquals(answer.aiMessage().text(), parts.toString());
    assertEquals(answer.aiMessage().text(), end.aiMessage().text());
    assertEquals(answer.finishReason(), end.finishReason());
    assertEquals(answer.tokenUsage().outputTokenCount(), end.tokenUsage().outputTokenCount());
  }

  /** The model calls, whole and in a stream, and its chat goes on with the result. */
  void checkTools() throws Exception {
    ChatModel whole = builder(120).build();
    ChatRequest request =
        ChatRequest.builder()
            .messages(ASK_FOR_CALL)
            .toolSpecifications(GREET)
            .toolChoice(ToolChoice.REQUIRED)
            .build();

    ChatResponse answer = whole.chat(request);
    ChatResponse end = streamed(streaming(120), request, new StringBuilder());

    List<ToolExecutionRequest> calls = answer.aiMessage().toolExecutionRequests();
    assertEquals(FinishReason.TOOL_EXECUTION, answer.finishReason());
    assertFalse(calls.isEmpty());
    for (ToolExecutionRequest call : calls) {
      assertEquals("greet", call.name());
      assertGreeting(call.arguments());
    }
    assertEquals(
        calls.stream().map(ToolExecutionRequest::arguments).toList(),
        end.aiMessage().toolExecutionRequests().stream()
            .map(ToolExecutionRequest::arguments)
            .toList());
    ChatRequest.Builder next = ChatRequest.builder().toolSpecifications(GREET);
    next.messages(
        ASK_FOR_CALL,
        answer.aiMessage(),
        ToolExecutionResultMessage.from(calls.getFirst(), "done"));
    next.toolChoice(ToolChoice.NONE);
    assertFalse(whole.chat(next.build()).aiMessage().text().isBlank());
  }

  /** The answer is JSON of the application's schema. */
  void checkJsonSchema() throws IOException {
    ResponseFormat format =
        ResponseFormat.builder()
            .type(ResponseFormatType.JSON)
            .jsonSchema(JsonSchema.builder().name("greeting").rootElement(GREETING).build())
            .build();
    ChatModel strict =
        builder(80)
            .supportedCapabilities(Capability.RESPONSE_FORMAT_JSON_SCHEMA)
            .strictJsonSchema(true)
            .build();

    ChatResponse answer =
        strict.chat(
            ChatRequest.builder()
                .messages(UserMessage.from("Greet me warmly, twice, as JSON."))
                .responseFormat(format)
                .build());

    assertEquals(FinishReason.STOP, answer.finishReason());
    assertGreeting(answer.aiMessage().text());
  }

  private static void assertGreeting(String json) throws IOException {
    JsonNode greeting = Json.MAPPER.readTree(json);
    assertTrue(List.of("warm", "cool").contains(greeting.path("tone").asText()), json);
    assertTrue(greeting.path("times").isIntegralNumber(), json);
    assertEquals(2, greeting.size(), json);
  }

  /** A background request is answered like any other while nobody else asks. */
  void checkBackground() {
    ChatModel flex = builder(8).serviceTier("flex").build();
    assertFalse(flex.chat(UserMessage.from("Say hello.")).aiMessage().text().isBlank());
  }

  /** Errors come as the client's own exceptions, with the endpoint's message. */
  void checkErrors() {
    ChatModel other = builder(8).modelName("no-such").build();
    Exception unknown =
        assertThrows(
            ModelNotFoundException.class, () -> other.chat(UserMessage.from("Say hello.")));
    assertTrue(String.valueOf(unknown.getMessage()).contains("no-such"), unknown.getMessage());
    OpenAiEmbeddingModel embedding =
        OpenAiEmbeddingModel.builder()
            .baseUrl(url)
            .apiKey(key)
            .modelName(model)
            .maxRetries(0)
            .timeout(PATIENCE)
            .build();
    Exception refused = assertThrows(RuntimeException.class, () -> embedding.embed("hello"));
    assertTrue(String.valueOf(refused.getMessage()).contains("embeddings"), refused.getMessage());
  }
}
