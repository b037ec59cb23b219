package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.coordinator.generation.FinishReason;
import org.kithlm.coordinator.generation.Priority;

class PrioritiesTest {
  private static final String TASK =
      "### Task:\\nGive the chat a title of three words.\\n### Chat History:\\n"
          + "<chat_history>\\nUSER: Hi\\n</chat_history>";

  private static TestEndpoint endpoint;

  @BeforeAll
  static void start() {
    endpoint = new TestEndpoint();
    endpoint.service.script = run -> run.say("Hello").finish(FinishReason.STOP);
  }

  @AfterAll
  static void stop() {
    endpoint.close();
  }

  private static Priority priority(String path, String body) throws Exception {
    TestEndpoint.Answer answer = endpoint.post(path, body);
    assertEquals(200, answer.status(), answer.http().body());
    return endpoint.service.nextRun().request.priority();
  }

  private static String chat(String messages, String more) {
    return "{\"model\":\"%s\",\"messages\":[%s]%s}"
        .formatted(FakeChatService.MODEL, messages, more);
  }

  private static String message(String role, String content) {
    return "{\"role\":\"%s\",\"content\":\"%s\"}".formatted(role, content);
  }

  @ParameterizedTest
  @CsvSource({
    "null, INTERACTIVE",
    "'\"auto\"', INTERACTIVE",
    "'\"default\"', INTERACTIVE",
    "'\"priority\"', INTERACTIVE",
    "'\"scale\"', INTERACTIVE",
    "'\"flex\"', BACKGROUND",
  })
  void shouldTakeThePriorityThatIsAskedFor(String tier, Priority expected) throws Exception {
    String more = ",\"service_tier\":" + tier;
    assertEquals(expected, priority(TestEndpoint.CHAT, TestEndpoint.chat(more)));
    assertEquals(
        expected, priority(TestEndpoint.COMPLETIONS, TestEndpoint.completion("\"Hi\"", more)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"cheap\"", "1", "[\"flex\"]"})
  void shouldNameAnotherTier(String tier) throws Exception {
    TestEndpoint.Answer answer =
        endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"service_tier\":" + tier));

    assertEquals(400, answer.status());
    assertEquals("service_tier", answer.error().get("param").asText());
    assertEquals(
        "service_tier must be auto, default, priority, scale or flex, got " + tier,
        answer.error().get("message").asText());
  }

  @Test
  void shouldKnowWhatOpenWebUiAsksBesideAChat() throws Exception {
    String task = message("user", TASK);
    assertEquals(
        Priority.BACKGROUND,
        priority(TestEndpoint.CHAT, chat(task, ",\"max_completion_tokens\":1000")));
    assertEquals(Priority.BACKGROUND, priority("/api/chat", chat(task, ",\"stream\":false")));
  }

  @Test
  void shouldTakeOtherChatsForInteractive() throws Exception {
    String task = message("user", TASK);
    String[] others = {
      chat(task, ",\"stream\":true"), // somebody reads along
      chat(task, ",\"service_tier\":\"default\""), // it says so itself
      chat(message("system", "Be brief.") + "," + task, ""),
      chat(message("user", "### Task:\\nWrite a poem."), ""),
      chat(message("user", "What does <chat_history> mean in a prompt?"), ""),
      chat(message("assistant", TASK), ""),
    };
    for (String other : others) {
      assertEquals(Priority.INTERACTIVE, priority(TestEndpoint.CHAT, other), other);
    }
    assertEquals(Priority.INTERACTIVE, priority("/api/chat", chat(task, "")));
  }
}
