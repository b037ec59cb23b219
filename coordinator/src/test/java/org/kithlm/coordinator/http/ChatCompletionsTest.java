package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationRequest;
import org.kithlm.model.sampling.SamplingParameters;

class ChatCompletionsTest {
  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  /** The JSON of every event but the last, which must be [DONE]; comments are left out. */
  static List<JsonNode> events(String body) throws Exception {
    List<JsonNode> events = new ArrayList<>();
    List<String> data =
        body.lines().filter(line -> line.startsWith("data: ")).map(l -> l.substring(6)).toList();
    assertEquals("[DONE]", data.getLast(), body);
    for (String json : data.subList(0, data.size() - 1)) {
      events.add(Json.MAPPER.readTree(json));
    }
    return events;
  }

  private List<JsonNode> stream(String path, String body) throws Exception {
    TestEndpoint.Answer answer = endpoint.post(path, body);
    assertEquals(200, answer.status());
    assertEquals("text/event-stream", answer.header("Content-Type"));
    return events(answer.http().body());
  }

  private static String prompt(GenerationRequest request) {
    return new String(request.prompt(), 0, request.prompt().length);
  }

  @Test
  void shouldAnswerAChatInOnePiece() throws Exception {
    TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(""));

    assertEquals(200, answer.status());
    JsonNode json = answer.json();
    assertEquals("chat.completion", json.path("object").asText());
    assertTrue(json.path("id").asText().startsWith("chatcmpl-"));
    assertEquals(FakeChatService.MODEL, json.path("model").asText());
    JsonNode choice = json.path("choices").path(0);
    assertEquals(0, choice.path("index").asInt(-1));
    assertEquals("assistant", choice.path("message").path("role").asText());
    assertEquals("Hello", choice.path("message").path("content").asText());
    assertEquals("stop", choice.path("finish_reason").asText());
    assertTrue(choice.path("logprobs").isNull());
    assertEquals(
        "{\"prompt_tokens\":8,\"completion_tokens\":5,\"total_tokens\":13,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":2}}",
        json.path("usage").toString());
    GenerationRequest request = endpoint.service.nextRun().request;
    assertEquals("user=Hi;", prompt(request));
    assertEquals(FakeChatService.CONTEXT_LENGTH - 8, request.maxTokens());
    assertEquals(0, request.topLogprobs());
  }

  @Test
  void shouldLeaveOldTurnsOutWhereAskedTo() throws Exception {
    List<String> messages =
        new ArrayList<>(List.of("{\"role\":\"system\",\"content\":\"Be kind\"}"));
    for (int turn = 0; turn < 9; turn++) {
      messages.add("{\"role\":\"user\",\"content\":\"" + turn + "x".repeat(120) + "\"}");
    }
    String body =
        "{\"model\":\"%s\",\"max_tokens\":10,\"truncation\":\"auto\",\"messages\":[%s]}"
            .formatted(FakeChatService.MODEL, String.join(",", messages));

    assertEquals(200, endpoint.post(TestEndpoint.CHAT, body).status());

    String prompt = prompt(endpoint.service.nextRun().request);
    assertTrue(prompt.startsWith("system=Be kind;user=4x"), prompt);
    assertTrue(prompt.contains("user=8x"), prompt);
  }

  @Test
  void shouldStreamAChatAsClientsExpect() throws Exception {
    endpoint.service.script = run -> run.say("ab").token('c', "").finish(FinishReason.LENGTH, "cd");

    List<JsonNode> events =
        stream(
            TestEndpoint.CHAT,
            TestEndpoint.chat(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));

    assertEquals(
        List.of(
            "[{\"role\":\"assistant\",\"content\":\"\"}] null",
            "[{\"content\":\"a\"}] null",
            "[{\"content\":\"b\"}] null",
            "[{\"content\":\"cd\"}] null",
            "[{}] \"length\"",
            "[] "),
        events.stream()
            .map(
                e ->
                    e.path("choices").findValues("delta")
                        + " "
                        + e.path("choices").path(0).path("finish_reason"))
            .toList());
    assertEquals(
        "{\"prompt_tokens\":8,\"completion_tokens\":3,\"total_tokens\":11,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":2}}",
        events.getLast().path("usage").toString());
    for (JsonNode event : events) {
      assertEquals("chat.completion.chunk", event.path("object").asText());
      for (String constant : List.of("id", "created", "model")) {
        assertEquals(events.getFirst().path(constant), event.path(constant));
      }
      assertEquals(0, event.path("choices").path(0).path("index").asInt());
    }
  }

  @Test
  void shouldSendNoUsageChunkUnlessAsked() throws Exception {
    List<JsonNode> events = stream(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"));

    assertEquals("stop", events.getLast().path("choices").path(0).path("finish_reason").asText());
    assertFalse(events.getLast().has("usage"));
  }

  @Test
  void shouldReportLogprobsOfAChat() throws Exception {
    String more = ",\"logprobs\":true,\"top_logprobs\":2";

    JsonNode whole = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(more)).json();
    List<JsonNode> events = stream(TestEndpoint.CHAT, TestEndpoint.chat(more + ",\"stream\":true"));

    String first =
        "{\"token\":\"H\",\"logprob\":-0.5,\"bytes\":[72],\"top_logprobs\":["
            + "{\"token\":\"H\",\"logprob\":-0.5,\"bytes\":[72]},"
            + "{\"token\":\"I\",\"logprob\":-1.5,\"bytes\":[73]}]}";
    JsonNode content = whole.path("choices").path(0).path("logprobs").path("content");
    assertEquals(5, content.size());
    assertEquals(first, content.path(0).toString());
    JsonNode streamed = events.get(1).path("choices").path(0).path("logprobs").path("content");
    assertEquals("[" + first + "]", streamed.toString());
  }

  @Test
  void shouldReportBytesOfHalfACharacterAndFiniteLogprobs() throws Exception {
    endpoint.service.script = run -> run.token(0xE2, "").finish(FinishReason.STOP, "\uFFFD");

    JsonNode json =
        endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"logprobs\":true")).json();

    JsonNode token = json.path("choices").path(0).path("logprobs").path("content").path(0);
    assertEquals("\uFFFD", token.path("token").asText());
    assertEquals("[226]", token.path("bytes").toString());
    assertEquals(-9999f, AnswerFormat.finite(Float.NEGATIVE_INFINITY));
    assertEquals(-9999f, AnswerFormat.finite(Float.NaN));
  }

  @Test
  void shouldContinueText() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.post(
            TestEndpoint.COMPLETIONS, TestEndpoint.completion("\"Once\"", ",\"logprobs\":1"));

    assertEquals("text_completion", answer.json().path("object").asText());
    JsonNode choice = answer.json().path("choices").path(0);
    assertEquals("Hello", choice.path("text").asText());
    assertEquals(
        "{\"tokens\":[\"H\",\"e\",\"l\",\"l\",\"o\"],"
            + "\"token_logprobs\":[-0.5,-0.5,-0.5,-0.5,-0.5],"
            + "\"top_logprobs\":[{\"H\":-0.5},{\"e\":-0.5},{\"l\":-0.5},{\"l\":-0.5},{\"o\":-0.5}],"
            + "\"text_offset\":[0,1,2,3,4]}",
        choice.path("logprobs").toString());
    GenerationRequest request = endpoint.service.nextRun().request;
    assertEquals("Once", prompt(request));
    assertEquals(16, request.maxTokens());
  }

  @Test
  void shouldTakePromptsInEveryForm() throws Exception {
    for (String prompt : List.of("\"AB\"", "[\"AB\"]", "[65,66]", "[[65,66]]")) {
      endpoint.post(TestEndpoint.COMPLETIONS, TestEndpoint.completion(prompt, ""));
      assertEquals("AB", prompt(endpoint.service.nextRun().request), prompt);
    }
  }

  @Test
  void shouldStreamACompletion() throws Exception {
    endpoint.service.script = run -> run.say("ab").finish(FinishReason.STOP);

    List<JsonNode> events =
        stream(
            TestEndpoint.COMPLETIONS,
            TestEndpoint.completion(
                "\"x\"",
                ",\"stream\":true,\"logprobs\":0,\"stream_options\":{\"include_usage\":true}"));

    assertEquals(
        List.of("a null", "b null", " \"stop\""),
        events.subList(0, 3).stream()
            .map(e -> e.path("choices").path(0))
            .map(c -> c.path("text").asText() + " " + c.path("finish_reason"))
            .toList());
    assertEquals("[1]", events.get(1).findPath("logprobs").path("text_offset").toString());
    assertEquals(3, events.getLast().path("usage").path("total_tokens").asInt());
  }

  @Test
  void shouldPassEveryOptionToTheEngine() throws Exception {
    endpoint.post(
        TestEndpoint.CHAT,
        TestEndpoint.chat(
            """
            ,"temperature":0.5,"top_p":0.25,"top_k":40,"min_p":0.125,"presence_penalty":1,
            "frequency_penalty":-1,"repetition_penalty":1.5,"seed":-7,"logit_bias":{"65":-100},
            "stop":["x","yz"],"max_tokens":3,"max_completion_tokens":7,"logprobs":true,
            "top_logprobs":20,"user":"u","unknown":{"a":[1]}\
            """));

    GenerationRequest request = endpoint.service.nextRun().request;
    assertEquals(
        new SamplingParameters(0.5f, 40, 0.25f, 0.125f, 1.5f, 1, -1, Map.of(65, -100f), -7),
        request.sampling());
    assertEquals(List.of("x", "yz"), request.stops());
    assertEquals(7, request.maxTokens());
    assertEquals(20, request.topLogprobs());
  }

  @Test
  void shouldAnswerWithJsonOfASchema() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;
    String schema = "{\"properties\":{\"ok\":{\"type\":\"boolean\"}},\"required\":[\"ok\"]}";
    for (String format :
        List.of(
            "{\"type\":\"json_object\"}",
            "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
                + schema
                + "}}")) {
      JsonNode choice =
          endpoint
              .post(TestEndpoint.CHAT, TestEndpoint.chat(",\"response_format\":" + format))
              .json()
              .at("/choices/0");

      assertEquals("stop", choice.path("finish_reason").asText());
      JsonNode answer = Json.MAPPER.readTree(choice.at("/message/content").asText());
      assertTrue(answer.isObject());
      assertTrue(format.contains("json_object") || answer.path("ok").isBoolean());
    }
  }

  @Test
  void shouldTakeNullsAsAbsentAndOtherWordsForTheSame() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.post(
            TestEndpoint.CHAT,
            TestEndpoint.chat(
                """
                ,"temperature":null,"top_p":0,"top_k":-1,"seed":null,"stop":"end","n":1,
                "max_tokens":null,"tools":[],"tool_choice":"none","stream":null,
                "response_format":{"type":"text"},"logit_bias":null,"stream_options":null\
                """));

    assertEquals(200, answer.status(), answer.http().body());
    GenerationRequest request = endpoint.service.nextRun().request;
    assertEquals(1, request.sampling().temperature());
    assertEquals(0, request.sampling().topK());
    assertTrue(request.sampling().topP() > 0);
    assertEquals(List.of("end"), request.stops());
  }

  @Test
  void shouldReadRolesAndContentParts() throws Exception {
    String body =
        """
        {"model":"%s","messages":[
          {"role":"developer","content":"be brief"},
          {"role":"assistant","content":null},
          {"role":"assistant"},
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"é"}]}]}
        """
            .formatted(FakeChatService.MODEL);

    endpoint.send(
        HttpRequest.newBuilder(endpoint.uri(TestEndpoint.CHAT))
            .header("Content-Type", "application/json; charset=utf-8")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body.getBytes(StandardCharsets.UTF_8))));

    assertEquals(
        "system=be brief;assistant=;assistant=;user=a\né;",
        prompt(endpoint.service.nextRun().request));
  }
}
