package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kithlm.coordinator.generation.ChatService;
import org.kithlm.coordinator.generation.GenerationRefusedException.Reason;

class ErrorAnswersTest {
  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private void assertBadRequest(TestEndpoint.Answer answer, String param, String message) {
    assertEquals(400, answer.status(), answer.http().body());
    assertEquals(param, answer.error().path("param").asText());
    assertEquals(message, answer.error().path("message").asText());
    assertEquals("invalid_request_error", answer.error().path("type").asText());
    assertTrue(endpoint.service.runs.isEmpty());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "temperature|\"hot\"|temperature must be a number from 0 to 2, got \"hot\"",
        "temperature|2.5|temperature must be a number from 0 to 2, got 2.5",
        "top_p|-1|top_p must be a number from 0 to 1, got -1",
        "top_k|1.5|top_k must be an integer from -1 to 2147483647, got 1.5",
        "min_p|[]|min_p must be a number from 0 to 1, got []",
        "presence_penalty|3|presence_penalty must be a number from -2 to 2, got 3",
        "frequency_penalty|true|frequency_penalty must be a number from -2 to 2, got true",
        "repetition_penalty|0|repetition_penalty must be a number from 0.01 to 100, got 0",
        "max_tokens|0|max_tokens must be an integer from 1 to 2147483647, got 0",
        "max_completion_tokens|1e9|max_completion_tokens must be an integer from 1 to"
            + " 2147483647, got 1.0E9",
        "seed|99999999999999999999|seed must be an integer from -9223372036854775808 to"
            + " 9223372036854775807, got 99999999999999999999",
        "stream|\"yes\"|stream must be true or false, got \"yes\"",
        "stream_options|1|stream_options must be an object, got 1",
        "stream_options.include_usage|{\"include_usage\":1}|stream_options.include_usage must be"
            + " true or false, got 1",
        "stop|[\"\"]|stop must be a string or an array of at most 16, none empty, got [\"\"]",
        "stop|5|stop must be a string or an array of at most 16, none empty, got 5",
        "logit_bias|[1]|logit_bias must be an object from token ids to numbers, got [1]",
        "logit_bias|{\"-1\":1}|logit_bias must have token ids as its keys, got \"-1\"",
        "logit_bias.7|{\"7\":101}|logit_bias.7 must be a number from -100 to 100, got 101",
        "logit_bias|{\"127\":1,\"128\":1}|logit_bias names token 128, but the vocabulary of"
            + " 'fake:1b/q8' ends at 127",
        "logprobs|3|logprobs must be true or false, got 3",
        "top_logprobs|21|top_logprobs must be an integer from 0 to 20, got 21",
        "top_logprobs|2|top_logprobs needs logprobs: true",
        "truncation|\"yes\"|truncation must be \"auto\" or \"disabled\", got \"yes\"",
        "truncation|7|truncation must be \"auto\" or \"disabled\", got 7",
        "n|9|n must be an integer from 1 to 8, got 9",
        "first_finish|1|first_finish must be true or false, got 1",
        "reasoning|7|reasoning must be an object, got 7",
        "reasoning.max_tokens|{\"max_tokens\":-1}|reasoning.max_tokens must be an integer from 0 to"
            + " 2147483647, got -1",
        "tools|7|tools must be an array of at most 128 tools, got 7",
        "tools[0].function|[{}]|tools[0].function must be an object with a name",
        "tools[0].type|[{\"type\":\"web\"}]|tools[0].type is not supported: only functions can be"
            + " called, got \"web\"",
        "tools[0].function.name|[{\"function\":{\"name\":\"a b\"}}]|tools[0].function.name must be"
            + " 1 to 64 letters, digits, underscores and dashes, got \"a b\"",
        "tools[1].function.name|[{\"function\":{\"name\":\"a\"}},{\"function\":{\"name\":\"a\"}}]|"
            + "tools[1].function.name is there twice: \"a\"",
        "tools[0].function.parameters.not|[{\"function\":{\"name\":\"a\",\"strict\":true,\"parameters\":{\"type\":\"object\",\"not\":{}}}}]|tools[0].function.parameters.not"
            + " is not supported",
        "tool_choice|\"any\"|tool_choice must be none, auto, required or an object with type"
            + " function and a name, got \"any\"",
        "tool_choice|\"required\"|tool_choice needs tools",
        "functions|[{}]|functions is not supported: use tools, its newer form",
        "function_call|{\"name\":\"a\"}|function_call is not supported: use tool_choice, its newer"
            + " form",
        "modalities|[\"audio\"]|modalities is not supported: this endpoint writes only text",
        "response_format|{\"type\":\"xml\"}|response_format must be an object whose type is text,"
            + " json_object or json_schema, got {\"type\":\"xml\"}",
        "response_format.json_schema|{\"type\":\"json_schema\"}|response_format.json_schema must be"
            + " an object with a schema",
        "response_format.json_schema.schema|{\"type\":\"json_schema\",\"json_schema\":{}}|"
            + "response_format.json_schema.schema is missing",
        "response_format.json_schema.schema.properties.a.pattern|{\"type\":\"json_schema\","
            + "\"json_schema\":{\"schema\":{\"properties\":{\"a\":{\"pattern\":\"x\"}}}}}|"
            + "response_format.json_schema.schema.properties.a.pattern is not supported",
      })
  void shouldNameTheFieldItsRangeAndItsValue(String param, String value, String message)
      throws Exception {
    String field = param.replaceFirst("[.\\[].*", "");

    assertBadRequest(
        endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(",\"%s\":%s".formatted(field, value))),
        param,
        message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "messages|[]|messages must be an array of at least one message, got []",
        "messages|null|messages must be an array of at least one message",
        "messages[0]|[7]|messages[0] must be an object with role and content, got 7",
        "messages[0].role|[{}]|messages[0].role must be system, developer, user, assistant or"
            + " tool, got none",
        "messages[0].role|[{\"role\":\"robot\"}]|messages[0].role must be system, developer,"
            + " user, assistant or tool, got \"robot\"",
        "messages[0].content|[{\"role\":\"user\",\"content\":7}]|messages[0].content must be a"
            + " string, null or an array of text parts, got 7",
        "messages[0].content[0].type|[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]"
            + "|messages[0].content[0].type is not supported: only text parts can be read, got"
            + " \"image_url\"",
        "messages[0].content[0].text|[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]"
            + "|messages[0].content[0].text is missing",
        "messages[0].tool_calls|[{\"role\":\"assistant\",\"tool_calls\":7}]"
            + "|messages[0].tool_calls must be an array of calls, got 7",
        "messages[0].tool_calls[0]|[{\"role\":\"assistant\",\"tool_calls\":[{}]}]"
            + "|messages[0].tool_calls[0] must be an object with type function and a function",
        "messages[0].tool_calls[0].function.arguments|[{\"role\":\"assistant\",\"tool_calls\":"
            + "[{\"function\":{\"name\":\"a\",\"arguments\":\"[1]\"}}]}]"
            + "|messages[0].tool_calls[0].function.arguments must be a JSON object as text, got"
            + " \"[1]\"",
        "messages|[{\"role\":\"user\",\"content\":\"unspeakable\"}]|the model's chat template"
            + " refuses the messages: the template does not like it",
      })
  void shouldNameTheMessageThatIsWrong(String param, String messages, String message)
      throws Exception {
    String body = "{\"model\":\"%s\",\"messages\":%s}".formatted(FakeChatService.MODEL, messages);

    assertBadRequest(endpoint.post(TestEndpoint.CHAT, body), param, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "prompt|null||prompt is missing",
        "prompt|[]||prompt must be a string or an array of token ids, got []",
        "prompt|[\"a\",\"b\"]||prompt is not supported: one prompt per request, got 2; send them"
            + " one by one",
        "prompt[1]|[1,-2]||prompt[1] must be a token id, got -2",
        "echo|\"a\"|,\"echo\":true|echo is not supported: the prompt is not repeated in the"
            + " answer",
        "suffix|\"a\"|,\"suffix\":\"b\"|suffix is not supported: text can only be continued at its"
            + " end",
        "best_of|\"a\"|,\"best_of\":2|best_of is not supported: one answer is made per request",
        "logprobs|\"a\"|,\"logprobs\":true|logprobs must be an integer from 0 to 20, got true",
      })
  void shouldNameWhatIsWrongInACompletion(String param, String prompt, String more, String message)
      throws Exception {
    assertBadRequest(
        endpoint.post(
            TestEndpoint.COMPLETIONS, TestEndpoint.completion(prompt, more == null ? "" : more)),
        param,
        message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\":}|the body is not valid JSON: see line 1, column 6",
        "{} {}|the body is not valid JSON: see line 1, column 4",
        "[1]|the body must be a JSON object",
        "7|the body must be a JSON object",
      })
  void shouldSayWhereJsonIsMalformed(String body, String message) throws Exception {
    TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, body);

    assertEquals(400, answer.status());
    assertEquals(message, answer.error().path("message").asText());
  }

  @Test
  void shouldKeepLibraryNamesOutOfAnswers() throws Exception {
    for (String body :
        new String[] {"", "{", "[".repeat(5000), "{\"a\":1" + "0".repeat(2000) + "}", "\u0000"}) {
      TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, body);

      assertEquals(400, answer.status());
      String message = answer.error().path("message").asText();
      assertFalse(message.matches("(?s).*([A-Z][a-z]+[A-Z]|\\.java|jackson).*"), message);
    }
  }

  @Test
  void shouldRefuseInvalidUtf8() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.send(
            HttpRequest.newBuilder(endpoint.uri(TestEndpoint.CHAT))
                .header("Content-Type", "application/json")
                .POST(
                    HttpRequest.BodyPublishers.ofByteArray(
                        new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'})));

    assertEquals(400, answer.status());
    assertTrue(answer.error().path("message").asText().startsWith("the body is not valid"));
  }

  @Test
  void shouldRefuseOtherContentTypesAndCompression() throws Exception {
    HttpRequest.Builder plain =
        HttpRequest.newBuilder(endpoint.uri(TestEndpoint.CHAT))
            .POST(HttpRequest.BodyPublishers.ofString(TestEndpoint.chat("")));

    assertEquals(415, endpoint.send(plain.copy()).status());
    assertEquals(415, endpoint.send(plain.copy().header("Content-Type", "text/plain")).status());
    TestEndpoint.Answer zipped =
        endpoint.send(
            plain
                .copy()
                .header("Content-Type", "application/json")
                .header("Content-Encoding", "br"));
    assertEquals(415, zipped.status());
    assertEquals(
        "the body must be uncompressed application/json, got application/json in encoding br",
        zipped.error().path("message").asText());
  }

  @Test
  void shouldRefuseTooLargeBodiesOfKnownAndUnknownLength() throws Exception {
    byte[] large = new byte[(1 << 20) + 1];
    for (HttpRequest.BodyPublisher body :
        new HttpRequest.BodyPublisher[] {
          HttpRequest.BodyPublishers.ofByteArray(large),
          HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large))
        }) {
      TestEndpoint.Answer answer =
          endpoint.send(
              HttpRequest.newBuilder(endpoint.uri(TestEndpoint.CHAT))
                  .header("Content-Type", "application/json")
                  .POST(body));

      assertEquals(413, answer.status());
      assertEquals(
          "the body is larger than 1048576 bytes", answer.error().path("message").asText());
    }
  }

  @Test
  void shouldAnswerUnknownPathsAndMethods() throws Exception {
    TestEndpoint.Answer missing = endpoint.get("/v1/nothing");
    assertEquals(404, missing.status());
    assertEquals("not_found", missing.error().path("code").asText());

    TestEndpoint.Answer wrong = endpoint.get(TestEndpoint.CHAT);
    assertEquals(405, wrong.status());
    assertEquals("POST", wrong.header("Allow"));
    assertEquals("method_not_allowed", wrong.error().path("code").asText());
    assertEquals(405, endpoint.post("/v1/models", "{}").status());
  }

  @Test
  void shouldAnswerRequestsThatAreNoHttp() throws Exception {
    for (String request :
        new String[] {
          "NONSENSE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /" + "x".repeat(5000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + "x".repeat(9000) + "\r\n\r\n",
          "GET / HTTP/1.1\r\n\r\n"
        }) {
      try (Socket socket = endpoint.raw(request)) {
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertTrue(answer.matches("(?s)HTTP/1.1 (400|405|414|431) .*"), answer);
        assertTrue(answer.contains("{\"error\":{\"message\":\""), answer);
      }
    }
  }

  @Test
  void shouldServeOneModelOnly() throws Exception {
    String id = FakeChatService.MODEL;

    TestEndpoint.Answer list = endpoint.get("/v1//models");
    assertEquals(
        "{\"object\":\"list\",\"data\":[{\"id\":\"%s\",\"object\":\"model\",\"created\":%d,\"owned_by\":\"kithlm\"}]}"
            .formatted(id, FakeChatService.CREATED),
        list.http().body());
    assertEquals(id, endpoint.get("/v1/models/" + id).json().path("id").asText());
    assertEquals(id, endpoint.get("/v1/models/fake%3A1b%2Fq8").json().path("id").asText());

    for (TestEndpoint.Answer answer :
        new TestEndpoint.Answer[] {
          endpoint.get("/v1/models/other"),
          endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat("").replace(id, "other")),
          endpoint.post(TestEndpoint.COMPLETIONS, "{\"prompt\":\"a\"}")
        }) {
      assertEquals(404, answer.status());
      assertEquals("model_not_found", answer.error().path("code").asText());
      assertEquals("model", answer.error().path("param").asText());
      assertTrue(answer.error().path("message").asText().contains(id));
    }
  }

  @Test
  void shouldReportHealth() throws Exception {
    assertEquals(
        "{\"status\":\"ready\",\"detail\":\"1 rank\",\"model\":\"%s\"}"
            .formatted(FakeChatService.MODEL),
        endpoint.get("/health").http().body());

    endpoint.service.health = new ChatService.Health(false, "rank 2 is missing");

    TestEndpoint.Answer answer = endpoint.get("/health");
    assertEquals(503, answer.status());
    assertEquals("5", answer.header("Retry-After"));
    assertEquals("server_error", answer.error().path("type").asText());
    assertEquals(
        "the model is not ready: rank 2 is missing", answer.error().path("message").asText());
    // Whether a request can wait for a plan is the service's to say.
    assertEquals(200, endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat("")).status());
  }

  @ParameterizedTest
  @CsvSource({
    "INVALID, 400, , messages, ",
    "CONTEXT_LENGTH_EXCEEDED, 400, context_length_exceeded, messages, ",
    "QUEUE_FULL, 429, queue_full, , 5",
    "NOT_READY, 503, not_ready, , 5"
  })
  void shouldMapWhatTheEngineRefuses(
      Reason reason, int status, String code, String param, String retryAfter) throws Exception {
    endpoint.service.refusal = reason;

    for (String more : new String[] {"", ",\"stream\":true"}) {
      TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(more));

      assertEquals(status, answer.status());
      assertEquals(code, answer.error().path("code").textValue());
      assertEquals(param, answer.error().path("param").textValue());
      assertEquals(retryAfter, answer.header("Retry-After"));
      assertNull(answer.header("x-should-retry"));
      assertTrue(answer.error().path("message").asText().contains("refused as " + reason));
    }
  }

  @Test
  void shouldLetClientsRepeatWhatNeverRan() throws Exception {
    endpoint.service.script = run -> run.refuse("no root within 60 s");

    TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(""));

    assertEquals(503, answer.status());
    assertEquals("not_ready", answer.error().path("code").asText());
    assertEquals("5", answer.header("Retry-After"));
    assertNull(answer.header("x-should-retry"));
  }

  @Test
  void shouldTellClientsNotToRepeatAFailedPrefill() throws Exception {
    endpoint.service.script = run -> run.say("He").fail("rank 1 (10.0.0.2) is lost");

    TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(""));

    assertEquals(500, answer.status());
    assertEquals("false", answer.header("x-should-retry"));
    assertEquals("rank 1 (10.0.0.2) is lost", answer.error().path("message").asText());
    assertEquals("server_error", answer.error().path("type").asText());
  }

  @Test
  void shouldNotTakeACancelledGenerationForAnAnswer() throws Exception {
    endpoint.service.script = run -> run.say("He").endCancelled();

    assertEquals(500, endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat("")).status());
  }

  @Test
  void shouldHideInternalFailures() throws Exception {
    endpoint.service.brokenTokenizer = true;

    TestEndpoint.Answer answer = endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat(""));

    assertEquals(500, answer.status());
    assertTrue(answer.error().path("message").asText().startsWith("internal error; look for "));
  }

  @Test
  void shouldGiveUpAnAnswerThatTakesTooLong() throws Exception {
    try (TestEndpoint slow = hasty()) {
      slow.service.script = FakeChatService.Run::awaitCancel;

      TestEndpoint.Answer answer = slow.post(TestEndpoint.CHAT, TestEndpoint.chat(""));

      assertEquals(503, answer.status());
      assertEquals("false", answer.header("x-should-retry"));
      assertTrue(slow.service.nextRun().wasCancelled());
    }
  }

  @Test
  void shouldGiveUpABodyThatDoesNotCome() throws Exception {
    String head =
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            .formatted(TestEndpoint.CHAT);
    try (TestEndpoint slow = hasty();
        Socket socket = slow.raw(head + "Content-Length: 9\r\n\r\n{")) {
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      assertTrue(answer.contains("\"code\":\"body_timeout\""), answer);
    }
    try (Socket socket = endpoint.raw(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")) {
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
      assertTrue(answer.contains("{\"error\":{"), answer);
    }
  }

  /** Waits only a moment for bodies and answers. */
  private static TestEndpoint hasty() {
    Duration moment = Duration.ofMillis(100);
    return new TestEndpoint(
        TestEndpoint.settings(
            null,
            Set.of(),
            new EndpointSettings.Limits(
                moment, Duration.ofSeconds(60), moment, moment, 1 << 20, 64, 16)));
  }

  @Test
  void shouldAnswerHeadRequestsWithoutBody() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.send(
            HttpRequest.newBuilder(endpoint.uri("/health"))
                .method("HEAD", HttpRequest.BodyPublishers.noBody()));

    assertEquals(200, answer.status());
    assertEquals("", answer.http().body());
  }
}
