package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.GenerationRefusedException.Reason;

/** The unmodified openai client of Python against the endpoint, with a scripted engine. */
class OpenAiClientIT {
  private static final String KEY = "s3cret";

  private static PythonClient client;

  private final TestEndpoint endpoint =
      new TestEndpoint(
          TestEndpoint.settings(KEY, Set.of(), TestEndpoint.limits(Duration.ofSeconds(60), 4096)));

  @BeforeAll
  static void installClient() throws Exception {
    client = PythonClient.openAi();
  }

  private void check(String... checks) throws Exception {
    client.check(endpoint.uri("/v1").toString(), FakeChatService.MODEL, KEY, checks);
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  @Test
  void shouldServeTheOpenAiClient() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;

    check();
  }

  @Test
  void shouldLimitTheOpenAiClient() throws Exception {
    endpoint.service.refusal = Reason.QUEUE_FULL;

    check("rate_limit");
  }

  @Test
  void shouldTellTheOpenAiClientOfFailures() throws Exception {
    endpoint.service.script = run -> run.say("He").fail("rank 1 is lost");

    check("failure");

    // One whole and one streamed: neither was repeated.
    assertEquals(2, endpoint.service.runs.size());
  }
}
