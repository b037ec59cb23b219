package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.FinishReason;

/** The unmodified ollama client of Python against the endpoint. */
class OllamaClientIT {
  private static final String KEY = "s3cret";

  private static PythonClient client;

  private final TestEndpoint endpoint =
      new TestEndpoint(
          TestEndpoint.settings(KEY, Set.of(), TestEndpoint.limits(Duration.ofSeconds(60), 4096)));

  @BeforeAll
  static void installClient() throws Exception {
    client = PythonClient.ollama();
  }

  private void check(String... checks) throws Exception {
    client.check(endpoint.uri("").toString(), FakeChatService.MODEL, KEY, checks);
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  @Test
  void shouldServeTheOllamaClient() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;

    // Without stop_string: the scripted engine knows none.
    check(
        "chat",
        "chat_stream",
        "json_format",
        "tools",
        "generate",
        "generate_raw",
        "loaded",
        "models",
        "errors",
        "authentication");
  }

  @Test
  void shouldGiveTheOllamaClientToolCalls() throws Exception {
    endpoint.service.script =
        run ->
            run.say(
                    "I look.\n<tool_call>\n{\"name\": \"get_rain\", \"arguments\":"
                        + " {\"city\":\"Bern\"}}\n</tool_call>")
                .finish(FinishReason.STOP);

    check("tool_calls");
  }

  @Test
  void shouldTellTheOllamaClientOfFailures() throws Exception {
    endpoint.service.script = run -> run.say("He").fail("rank 1 is lost");

    check("failure");

    assertEquals(2, endpoint.service.runs.size());
  }
}
