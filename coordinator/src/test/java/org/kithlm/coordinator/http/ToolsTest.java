package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.GenerationRequest;

/** Tools of {@code /v1/chat/completions}. */
class ToolsTest {
  private static final String TOOLS =
      """
      ,"tools":[
        {"type":"function","function":{"name":"rain","description":"Rain of a city","parameters":
          {"type":"object","properties":{"mm":{"type":"integer","minimum":1,"maximum":9}},
           "required":["mm"]}}},
        {"type":"function","function":{"name":"now"}}]\
      """;

  private static final String ANSWER =
      "I look.\n<tool_call>\n{\"name\": \"rain\", \"arguments\": {\"mm\":7}}\n</tool_call>\n"
          + "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private JsonNode ask(String more) throws Exception {
    TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(more));
    assertEquals(200, answer.status(), answer.http().body());
    return answer.json().at("/choices/0");
  }

  private static String prompt(GenerationRequest request) {
    return new String(request.prompt(), 0, request.prompt().length);
  }

  @Test
  void shouldAnswerWithToolCalls() throws Exception {
    endpoint.service.script = run -> run.say(ANSWER).finish(FinishReason.STOP);

    JsonNode choice = ask(TOOLS);

    assertEquals("tool_calls", choice.path("finish_reason").asText());
    assertEquals("I look.", choice.at("/message/content").asText());
    JsonNode calls = choice.at("/message/tool_calls");
    assertEquals(
        "{\"name\":\"rain\",\"arguments\":\"{\\\"mm\\\":7}\"}", calls.at("/0/function").toString());
    assertEquals("{\"name\":\"now\",\"arguments\":\"{}\"}", calls.at("/1/function").toString());
    assertTrue(calls.at("/0/id").asText().startsWith("call_"));
    assertFalse(calls.at("/0/id").equals(calls.at("/1/id")));
    assertEquals("function", calls.at("/0/type").asText());
    assertTrue(prompt(endpoint.service.nextRun().request).contains("Rain of a city"));
  }

  @Test
  void shouldStreamToolCallsByTheirIndex() throws Exception {
    endpoint.service.script = run -> run.say(ANSWER).finish(FinishReason.STOP);

    String body =
        endpoint
            .post(TestEndpoint.CHAT, TestEndpoint.chat(TOOLS + ",\"stream\":true"))
            .http()
            .body();

    StringBuilder content = new StringBuilder();
    List<String> ids = new ArrayList<>();
    List<StringBuilder> calls = List.of(new StringBuilder(), new StringBuilder());
    String reason = "";
    for (String line : body.lines().filter(l -> l.startsWith("data: {")).toList()) {
      JsonNode choice = Json.MAPPER.readTree(line.substring(6)).at("/choices/0");
      assertEquals(0, choice.path("index").asInt(-1));
      content.append(choice.at("/delta/content").asText(""));
      reason = choice.path("finish_reason").asText("");
      for (JsonNode call : choice.at("/delta/tool_calls")) {
        StringBuilder text = calls.get(call.path("index").asInt());
        assertEquals(text.isEmpty(), call.has("id"), "only the first part has an id");
        if (call.has("id")) {
          ids.add(call.path("id").asText());
          text.append(call.at("/function/name").asText());
        }
        text.append(call.at("/function/arguments").asText());
      }
    }
    assertEquals("I look.", content.toString());
    assertEquals("rain{\"mm\":7}", calls.getFirst().toString());
    assertEquals("now{}", calls.getLast().toString());
    assertEquals(2, ids.stream().distinct().count());
    assertEquals("tool_calls", reason);
  }

  @Test
  void shouldCallWhatIsRequiredOrNamed() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;
    for (int seed = 0; seed < 5; seed++) {
      String more = TOOLS + ",\"seed\":" + seed + ",\"tool_choice\":";
      JsonNode required = ask(more + "\"required\"");
      assertEquals("tool_calls", required.path("finish_reason").asText());
      assertTrue(required.at("/message/content").isNull());
      String named = "{\"type\":\"function\",\"function\":{\"name\":\"rain\"}}";
      JsonNode calls = ask(more + named).at("/message/tool_calls");
      assertEquals(1, calls.size());
      assertEquals("rain", calls.at("/0/function/name").asText());
      String arguments = calls.at("/0/function/arguments").asText();
      int mm = Json.MAPPER.readTree(arguments).path("mm").asInt();
      assertTrue(mm >= 1 && mm <= 9, arguments);
    }
  }

  @Test
  void shouldOfferNoToolsWhereNoneMayBeCalled() throws Exception {
    endpoint.service.script = run -> run.say("<tool_call>").finish(FinishReason.STOP);

    JsonNode choice = ask(TOOLS + ",\"tool_choice\":\"none\"");

    assertEquals("<tool_call>", choice.at("/message/content").asText());
    assertEquals("stop", choice.path("finish_reason").asText());
    GenerationRequest request = endpoint.service.nextRun().request;
    assertNull(request.grammar());
    assertEquals("user=Hi;", prompt(request));
  }

  @Test
  void shouldReportLogprobsOfAllTokensAndTheLimit() throws Exception {
    endpoint.service.script = run -> run.say(ANSWER.substring(0, 60)).finish(FinishReason.LENGTH);

    JsonNode choice = ask(TOOLS + ",\"logprobs\":true");

    assertEquals("length", choice.path("finish_reason").asText());
    assertEquals(60, choice.at("/logprobs/content").size());
    assertEquals(1, choice.at("/message/tool_calls").size());
  }

  @Test
  void shouldReadCallsAndResultsOfEarlierTurns() throws Exception {
    endpoint.post(
        TestEndpoint.CHAT,
        """
        {"model":"%s","messages":[
          {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
            "function":{"name":"rain","arguments":"{\\"mm\\": 7}"}}]},
          {"role":"tool","tool_call_id":"c1","content":"wet"}]}
        """
            .formatted(FakeChatService.MODEL));

    String prompt = prompt(endpoint.service.nextRun().request);
    assertTrue(prompt.contains("id=c1") && prompt.contains("arguments={mm=7}"), prompt);
    assertTrue(prompt.endsWith("tool=wet{tool_call_id=c1};"), prompt);
  }
}
