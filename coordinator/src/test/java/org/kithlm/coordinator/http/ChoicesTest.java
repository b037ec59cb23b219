package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.Choices;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationRefusedException;

/** Requests for several texts. */
class ChoicesTest {
  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  /** Two texts whose tokens come in turns; the second is over first. */
  private static void interleave(FakeChatService.Run run) {
    run.of(0).say("a").of(1).say("b").of(0).say("c").of(1).end(FinishReason.LENGTH, "!");
    boolean first = run.request.choices().firstFinish();
    run.of(0).say(first ? "" : "d").end(first ? FinishReason.ABANDONED : FinishReason.STOP, "");
    run.finish();
  }

  private List<JsonNode> stream(String path, String body) throws Exception {
    TestEndpoint.Answer answer = endpoint.post(path, body);
    assertEquals(200, answer.status(), answer.http().body());
    return ChatCompletionsTest.events(answer.http().body());
  }

  @Test
  void shouldAnswerWithAllTexts() throws Exception {
    endpoint.service.script = ChoicesTest::interleave;

    JsonNode json =
        endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":2,\"seed\":7")).json();

    assertEquals(
        List.of("0 acd stop", "1 b! length"),
        json.path("choices")
            .valueStream()
            .map(
                c ->
                    c.path("index")
                        + " "
                        + c.path("message").path("content").asText()
                        + " "
                        + c.path("finish_reason").asText())
            .toList());
    assertEquals(
        "{\"prompt_tokens\":8,\"completion_tokens\":4,\"total_tokens\":12,"
            + "\"prompt_tokens_details\":{\"cached_tokens\":2}}",
        json.path("usage").toString());
    FakeChatService.Run run = endpoint.service.nextRun();
    assertEquals(new Choices(2, false), run.request.choices());
    assertEquals(7, run.request.sampling().seed());
    assertTrue(endpoint.service.runs.isEmpty());
  }

  @Test
  void shouldStreamTextsAsTheyCome() throws Exception {
    endpoint.service.script = ChoicesTest::interleave;

    List<JsonNode> events =
        stream(TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":2,\"seed\":7,\"stream\":true"));

    assertEquals(
        List.of(
            "0 {\"role\":\"assistant\",\"content\":\"\"} null",
            "1 {\"role\":\"assistant\",\"content\":\"\"} null",
            "0 {\"content\":\"a\"} null",
            "1 {\"content\":\"b\"} null",
            "0 {\"content\":\"c\"} null",
            "1 {\"content\":\"!\"} null",
            "1 {} \"length\"",
            "0 {\"content\":\"d\"} null",
            "0 {} \"stop\""),
        events.stream()
            .map(e -> e.path("choices").path(0))
            .map(c -> c.path("index") + " " + c.path("delta") + " " + c.path("finish_reason"))
            .toList());
  }

  @Test
  void shouldStreamCompletionsWithTheirOwnOffsets() throws Exception {
    endpoint.service.script = ChoicesTest::interleave;

    List<JsonNode> events =
        stream(
            TestEndpoint.COMPLETIONS,
            TestEndpoint.completion("\"x\"", ",\"n\":2,\"logprobs\":0,\"stream\":true"));

    assertEquals(
        List.of("0 a [0]", "1 b [0]", "0 c [1]", "0 d [2]"),
        events.stream()
            .map(e -> e.path("choices").path(0))
            .filter(c -> c.path("logprobs").isObject())
            .map(
                c ->
                    c.path("index")
                        + " "
                        + c.path("text").asText()
                        + " "
                        + c.path("logprobs").path("text_offset"))
            .toList());
  }

  @Test
  void shouldTellOnlyTheTextThatEndedFirst() throws Exception {
    endpoint.service.script = ChoicesTest::interleave;

    JsonNode json =
        endpoint
            .post(TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":2,\"first_finish\":true"))
            .json();

    assertEquals(1, json.path("choices").size());
    assertEquals(1, json.at("/choices/0/index").asInt());
    assertEquals("b!", json.at("/choices/0/message/content").asText());
    assertEquals("length", json.at("/choices/0/finish_reason").asText());
    assertEquals(3, json.at("/usage/completion_tokens").asInt());
    assertEquals(new Choices(2, true), endpoint.service.nextRun().request.choices());
  }

  @Test
  void shouldCutTheOtherTextsOfAStream() throws Exception {
    endpoint.service.script = ChoicesTest::interleave;

    List<JsonNode> events =
        stream(
            TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":2,\"first_finish\":true,\"stream\":true"));

    assertEquals(
        List.of("1 length", "0 length"),
        events.stream()
            .map(e -> e.path("choices").path(0))
            .filter(c -> c.path("finish_reason").isTextual())
            .map(c -> c.path("index") + " " + c.path("finish_reason").asText())
            .toList());
  }

  @Test
  void shouldTakeFirstFinishWithOneText() throws Exception {
    JsonNode json =
        endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"first_finish\":true")).json();

    assertEquals("Hello", json.at("/choices/0/message/content").asText());
  }

  @Test
  void shouldReadToolCallsOfEachText() throws Exception {
    String call = "<tool_call>\n{\"name\": \"%s\", \"arguments\": {}}\n</tool_call>";
    endpoint.service.script =
        run -> {
          String[] texts = {call.formatted("f"), call.formatted("g")};
          for (int at = 0; at < texts[0].length(); at++) {
            for (int text = 0; text < 2; text++) {
              run.of(text).say(texts[text].substring(at, at + 1));
            }
          }
          run.of(0).end(FinishReason.STOP, "").of(1).end(FinishReason.STOP, "").finish();
        };
    String body =
        TestEndpoint.chat(
            """
            ,"n":2,"stream":true,"tools":[{"type":"function","function":{"name":"f"}},
            {"type":"function","function":{"name":"g"}}]\
            """);

    List<JsonNode> choices =
        stream(TestEndpoint.CHAT, body).stream().map(e -> e.path("choices").path(0)).toList();

    for (int index = 0; index < 2; index++) {
      int of = index;
      List<JsonNode> own = choices.stream().filter(c -> c.path("index").asInt() == of).toList();
      List<String> names =
          own.stream()
              .map(c -> c.at("/delta/tool_calls/0/function/name").asText())
              .filter(name -> !name.isEmpty())
              .toList();
      assertEquals(List.of(index == 0 ? "f" : "g"), names);
      assertEquals("tool_calls", own.getLast().path("finish_reason").asText());
    }
  }

  @Test
  void shouldEndAllTextsForAClientThatHasGone() throws Exception {
    endpoint.service.script = FakeChatService.Run::awaitCancel;
    FakeChatService.Run run;
    try (Socket client = endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":2"))) {
      run = endpoint.service.nextRun();
      assertTrue(client.isConnected());
    }
    assertTrue(run.wasCancelled());
  }

  @Test
  void shouldShareTheRoomAmongTextsWithoutALimit() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;

    endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":4"));

    // The fake's context of 1000 has 8 blocks of 128 tokens, 2 for each text and the prompt.
    assertEquals(2 * 128 - 8, endpoint.service.nextRun().request.maxTokens());
  }

  @Test
  void shouldNameTheFieldWhereTextsDoNotFit() throws Exception {
    endpoint.service.refusal = GenerationRefusedException.Reason.TOO_MANY_CHOICES;

    TestEndpoint.Answer answer =
        endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"n\":4,\"max_tokens\":500"));

    assertEquals(400, answer.status());
    assertEquals("n", answer.error().path("param").asText());
  }

  @Test
  void shouldReadHowLongTextsMayThink() throws Exception {
    for (String field :
        List.of("{\"max_tokens\":0}", "{\"max_tokens\":300,\"effort\":\"low\"}", "{}", "null")) {
      endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"reasoning\":" + field));

      JsonNode expected = Json.MAPPER.readTree(field).path("max_tokens");
      assertEquals(
          expected.isMissingNode() ? null : expected.asInt(),
          endpoint.service.nextRun().request.thinkingTokens(),
          field);
    }
  }
}
