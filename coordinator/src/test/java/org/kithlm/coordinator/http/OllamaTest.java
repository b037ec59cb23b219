package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationRefusedException.Reason;
import org.kithlm.model.sampling.SamplingParameters;

class OllamaTest {
  private static final String CHAT = "/api/chat";
  private static final String GENERATE = "/api/generate";

  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  /** A request; {@code more} are further fields, each with a comma before. */
  private static String chat(String more) {
    return "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]%s}"
        .formatted(FakeChatService.MODEL, more);
  }

  private static String generate(String more) {
    return "{\"model\":\"%s\",\"prompt\":\"Hi\"%s}".formatted(FakeChatService.MODEL, more);
  }

  private static List<JsonNode> lines(TestEndpoint.Answer answer) {
    assertEquals(200, answer.status(), answer.http().body());
    assertEquals("application/x-ndjson", answer.header("Content-Type"));
    return answer
        .http()
        .body()
        .lines()
        .map(
            line -> {
              try {
                return Json.MAPPER.readTree(line);
              } catch (IOException e) {
                throw new AssertionError(line, e);
              }
            })
        .toList();
  }

  private static void assertEnd(JsonNode end, String reason) {
    assertTrue(end.path("done").asBoolean(), end.toString());
    assertEquals(reason, end.path("done_reason").asText());
    assertEquals(5, end.path("eval_count").asInt());
    assertEquals(12_500_000, end.path("prompt_eval_duration").asLong());
    assertEquals(50_000_000, end.path("eval_duration").asLong()); // 4 tokens at 80 per second
    assertTrue(end.path("total_duration").asLong() > 0, end.toString());
    assertEquals(0, end.path("load_duration").asLong(-1));
  }

  @Test
  void shouldStreamAChatUnlessToldOtherwise() throws Exception {
    List<JsonNode> lines = lines(endpoint.post(CHAT, chat("")));

    assertEquals(6, lines.size());
    assertEquals("H", lines.getFirst().at("/message/content").asText());
    for (JsonNode line : lines) {
      assertEquals(FakeChatService.MODEL, line.path("model").asText());
      assertEquals("assistant", line.at("/message/role").asText());
      assertFalse(line.has("response"));
    }
    assertFalse(lines.get(4).path("done").asBoolean(true));
    assertFalse(lines.get(4).has("done_reason"));
    assertEquals("", lines.getLast().at("/message/content").asText("-"));
    assertEnd(lines.getLast(), "stop");
    assertEquals("user=Hi;".length(), lines.getLast().path("prompt_eval_count").asInt());
  }

  @Test
  void shouldAnswerAChatInOnePiece() throws Exception {
    TestEndpoint.Answer answer = endpoint.post(CHAT, chat(",\"stream\":false"));

    assertEquals(200, answer.status());
    assertEquals("Hello", answer.json().at("/message/content").asText());
    assertEnd(answer.json(), "stop");
  }

  @Test
  void shouldAnswerWithJsonOfASchema() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;
    String schema =
        "{\"type\":\"object\",\"properties\":{\"n\":{\"const\":7}},\"required\":[\"n\"]}";
    for (String format : List.of("\"json\"", schema)) {
      String more = ",\"stream\":false,\"format\":" + format;
      String answer = endpoint.post(CHAT, chat(more)).json().at("/message/content").asText();
      assertTrue(Json.MAPPER.readTree(answer).isObject(), answer);
      assertTrue(!format.equals(schema) || answer.replace(" ", "").equals("{\"n\":7}"), answer);
    }
  }

  @Test
  void shouldTellToolCallsFromText() throws Exception {
    endpoint.service.script =
        run ->
            run.say(
                    """
                    I look.
                    <tool_call>
                    {"name": "rain", "arguments": {"city":"Bern"}}
                    </tool_call>\
                    """)
                .finish(FinishReason.STOP);
    String tools = ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"rain\"}}]";
    String call = "[{\"function\":{\"name\":\"rain\",\"arguments\":{\"city\":\"Bern\"}}}]";

    JsonNode whole = endpoint.post(CHAT, chat(tools + ",\"stream\":false")).json();
    List<JsonNode> lines = lines(endpoint.post(CHAT, chat(tools)));

    assertEquals("I look.", whole.at("/message/content").asText());
    assertEquals(call, whole.at("/message/tool_calls").toString());
    assertEquals("stop", whole.path("done_reason").asText());
    assertEquals(
        "I look.",
        String.join("", lines.stream().map(l -> l.at("/message/content").asText()).toList()));
    assertEquals(
        List.of(call),
        lines.stream()
            .map(line -> line.at("/message/tool_calls"))
            .filter(JsonNode::isArray)
            .map(JsonNode::toString)
            .toList());
  }

  @Test
  void shouldReadToolCallsAndResults() throws Exception {
    endpoint.post(
        CHAT,
        """
        {"model":"%s","stream":false,"messages":[
          {"role":"assistant","content":"","tool_calls":
            [{"function":{"name":"rain","arguments":{"city":"Bern"}}}]},
          {"role":"tool","content":"7 mm","tool_name":"rain"}]}
        """
            .formatted(FakeChatService.MODEL));

    String prompt = text(endpoint.service.nextRun().request.prompt());
    assertTrue(prompt.contains("name=rain") && prompt.contains("arguments={city=Bern}"), prompt);
    assertTrue(prompt.endsWith("tool=7 mm{name=rain};"), prompt);
  }

  @Test
  void shouldGenerateFromATextThroughTheTemplate() throws Exception {
    String body = generate(",\"stream\":false,\"system\":\"Be brief\"");

    assertEquals("Hello", endpoint.post(GENERATE, body).json().path("response").asText());
    assertEquals("system=Be brief;user=Hi;", text(endpoint.service.nextRun().request.prompt()));
  }

  @Test
  void shouldGenerateFromARawText() throws Exception {
    List<JsonNode> lines = lines(endpoint.post(GENERATE, generate(",\"raw\":true")));

    assertEquals("H", lines.getFirst().path("response").asText());
    assertEquals("", lines.getLast().path("response").asText("-"));
    assertEnd(lines.getLast(), "stop");
    assertEquals("Hi", text(endpoint.service.nextRun().request.prompt()));
  }

  private static String text(int[] prompt) {
    return new String(prompt, 0, prompt.length);
  }

  @Test
  void shouldReadItsOptions() throws Exception {
    String options =
        ",\"options\":{\"temperature\":0.5,\"top_k\":3,\"top_p\":0.7,\"min_p\":0.1,\"seed\":9,"
            + "\"num_predict\":4,\"stop\":[\"x\",\"y\"],\"repeat_penalty\":1.5,\"num_ctx\":64,"
            + "\"presence_penalty\":1,\"frequency_penalty\":-1}";
    endpoint.post(CHAT, chat(options));

    var request = endpoint.service.nextRun().request;
    assertEquals(
        new SamplingParameters(0.5f, 3, 0.7f, 0.1f, 1.5f, 1, -1, Map.of(), 9), request.sampling());
    assertEquals(4, request.maxTokens());
    assertEquals(List.of("x", "y"), request.stops());
  }

  @Test
  void shouldHaveOllamasDefaults() throws Exception {
    endpoint.post(CHAT, chat(""));

    var request = endpoint.service.nextRun().request;
    SamplingParameters sampling = request.sampling();
    assertEquals(0.8f, sampling.temperature());
    assertEquals(40, sampling.topK());
    assertEquals(0.9f, sampling.topP());
    assertEquals(1.1f, sampling.repetitionPenalty());
    assertEquals(FakeChatService.CONTEXT_LENGTH - "user=Hi;".length(), request.maxTokens());
  }

  @ParameterizedTest
  @ValueSource(strings = {CHAT, GENERATE})
  void shouldSayThatTheModelIsLoaded(String path) throws Exception {
    TestEndpoint.Answer answer =
        endpoint.post(path, "{\"model\":\"%s:latest\"}".formatted(FakeChatService.MODEL));

    assertEquals(200, answer.status());
    assertEquals("load", answer.json().path("done_reason").asText());
    assertTrue(endpoint.service.runs.isEmpty());
  }

  @Test
  void shouldTakeWhatCurlCallsAForm() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.send(
            HttpRequest.newBuilder(endpoint.uri(CHAT))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(chat(",\"stream\":false"))));

    assertEquals("Hello", answer.json().at("/message/content").asText());
  }

  @Test
  void shouldSendBlanksDuringAPrefill() throws Exception {
    endpoint.service.script =
        run -> {
          assertFalse(run.cancelled.await(900, TimeUnit.MILLISECONDS));
          run.say("Hello").finish(FinishReason.STOP);
        };

    TestEndpoint.Answer answer = endpoint.post(CHAT, chat(""));

    assertTrue(answer.http().body().startsWith(" "), answer.http().body());
    assertEquals(6, lines(answer).size());
  }

  @Test
  void shouldEndAFailedStreamWithALineAndAnAbort() {
    endpoint.service.script = run -> run.say("He").fail("rank 1 is lost");

    assertThrows(IOException.class, () -> endpoint.post(CHAT, chat("")));
  }

  @Test
  void shouldCancelWhenTheClientHasGone() throws Exception {
    endpoint.service.script = FakeChatService.Run::awaitCancel;
    var socket = endpoint.rawPost(CHAT, chat(""));
    FakeChatService.Run run = endpoint.service.nextRun();

    socket.close();

    assertTrue(run.wasCancelled());
  }

  @Test
  void shouldTellOfTheModel() throws Exception {
    JsonNode tag = endpoint.get("/api/tags").json().at("/models/0");
    assertEquals(FakeChatService.MODEL, tag.path("name").asText());
    assertEquals(FakeChatService.MODEL, tag.path("model").asText());
    assertEquals("2023-11-14T22:13:20Z", tag.path("modified_at").asText());
    assertEquals("Q8_0", tag.at("/details/quantization_level").asText());
    JsonNode running = endpoint.get("/api/ps").json().at("/models/0");
    assertEquals(FakeChatService.CONTEXT_LENGTH, running.path("context_length").asInt());
    JsonNode shown =
        endpoint.post("/api/show", "{\"model\":\"%s\"}".formatted(FakeChatService.MODEL)).json();
    assertEquals("{{ messages }}", shown.path("template").asText());
    assertEquals("[\"completion\",\"tools\"]", shown.path("capabilities").toString());
    assertEquals(2048, shown.path("model_info").path("llama.embedding_length").asInt());
    assertTrue(endpoint.get("/api/version").json().path("version").isTextual());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "/api/chat|{}|404|model is missing; this endpoint serves 'fake:1b/q8'",
        "/api/chat|{\"model\":\"x\"}|404|the model 'x' is not served here; this endpoint serves"
            + " 'fake:1b/q8'",
        "/api/show|{\"name\":\"x\"}|404|the model 'x' is not served here; this endpoint serves"
            + " 'fake:1b/q8'",
        "/api/generate|{\"model\":\"fake:1b/q8\",\"raw\":{}}|400|raw must be true or false, got {}",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"format\":\"xml\"}|400|format must be \"json\" or a"
            + " JSON schema, got \"xml\"",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"format\":{\"pattern\":\"x\"}}|400|format.pattern is"
            + " not supported",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"tools\":[{}]}|400|tools[0].function must be an"
            + " object with a name",
        "/api/generate|{\"model\":\"fake:1b/q8\",\"tools\":[{}]}|400|tools is not supported: send a"
            + " prompt, and a system text if need be",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"think\":true}|400|think is not supported: this"
            + " endpoint does not tell thoughts from answers",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"options\":{\"top_k\":\"x\"}}|400|options.top_k must"
            + " be an integer from -1 to 2147483647, got \"x\"",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"messages\":[{\"role\":\"robot\"}]}|400|"
            + "messages[0].role must be system, user, assistant or tool, got \"robot\"",
        "/api/chat|{\"model\":\"fake:1b/q8\",\"messages\":[{\"role\":\"user\",\"images\":[\"eA\"]}]}|400|messages[0].images"
            + " is not supported: only the text of messages can be read",
        "/api/generate|{\"model\":\"fake:1b/q8\",\"suffix\":\"x\"}|400|suffix is not supported:"
            + " send a prompt, and a system text if need be",
        "/api/embed|{\"model\":\"fake:1b/q8\",\"input\":\"x\"}|400|the model 'fake:1b/q8' makes no"
            + " embeddings; it only writes text",
        "/api/embeddings|{\"model\":\"fake:1b/q8\",\"prompt\":\"x\"}|400|the model 'fake:1b/q8'"
            + " makes no embeddings; it only writes text",
        "/api/pull|{}|400|/api/pull is not supported: one model is served here; use kith pull, list"
            + " and rm on the machine that leads the cluster, then kith up",
        "/api/nothing|{}|404|there is nothing at /api/nothing",
        "/api/chat|[]|400|the body must be a JSON object",
      })
  void shouldSayInALineWhatIsWrong(String path, String body, int status, String message)
      throws Exception {
    TestEndpoint.Answer answer = endpoint.post(path, body);

    assertEquals(status, answer.status(), answer.http().body());
    assertEquals(
        "{\"error\":" + Json.MAPPER.writeValueAsString(message) + "}", answer.http().body());
    assertTrue(endpoint.service.runs.isEmpty());
  }

  @Test
  void shouldSayThatTheQueueIsFull() throws Exception {
    endpoint.service.refusal = Reason.QUEUE_FULL;

    TestEndpoint.Answer answer = endpoint.post(CHAT, chat(""));

    assertEquals(429, answer.status());
    assertEquals("refused as QUEUE_FULL", answer.json().path("error").asText());
  }
}
