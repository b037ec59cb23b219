package org.kithlm.deploy.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

class ChatClientTest {
  private static final String HELLO =
      """
      : keep-alive

      data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\r
      \r
      data:{"choices":[{"delta":{"content":"Hel"},"finish_reason":null}]}

      : keep-alive

      id: 7
      data: {"choices":[{
      data: "delta":{"content":"lö"}}]}

      """;
  private static final String END =
      """
      data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

      data: {"choices":[],"usage":{"completion_tokens":2}}

      data: [DONE]

      """;
  private static final List<ChatClient.Message> HI = List.of(new ChatClient.Message("user", "Hi"));

  private final StringBuilder told = new StringBuilder();

  private ChatClient.Answer ask(ScriptedServer server, @Nullable String key) throws Exception {
    try (ChatClient client = new ChatClient(server.url(), key, null)) {
      return client.ask("m", HI, told::append);
    }
  }

  /** The failure that a response leads to. */
  private KithException failure(String response) throws Exception {
    try (ScriptedServer server = new ScriptedServer(response)) {
      return assertThrows(KithException.class, () -> ask(server, null));
    }
  }

  @Test
  void shouldStreamAnAnswer() throws Exception {
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.stream(HELLO + END))) {
      ChatClient.Answer answer = ask(server, "k");

      assertEquals("Hellö", answer.text());
      assertEquals("Hellö", told.toString());
      assertEquals("stop", answer.finishReason());
      assertTrue(answer.ttftMs() > 0);
      assertTrue(answer.tokensPerSecond() > 0);
      String request = server.requests.getFirst();
      assertTrue(request.startsWith("POST /v1/chat/completions HTTP/1.1\n"), request);
      assertTrue(request.contains("Authorization: Bearer k\n"), request);
      assertTrue(
          request.endsWith(
              "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                  + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"),
          request);
    }
  }

  @Test
  void shouldReportAnErrorEvent() throws Exception {
    String error = "event: error\ndata: {\"error\":{\"message\":\"rank 1 is lost\"}}\n\n";

    KithException failure = failure(ScriptedServer.openStream(HELLO + error));

    assertEquals("the answer failed: rank 1 is lost", failure.getMessage());
    assertEquals("Hellö", told.toString());
  }

  @Test
  void shouldReportAnAnswerThatIsCutOff() throws Exception {
    for (String response :
        new String[] {
          ScriptedServer.openStream(HELLO),
          ScriptedServer.openStream(HELLO) + ScriptedServer.RESET,
          ScriptedServer.stream(HELLO),
          ScriptedServer.stream(HELLO + "data: [DONE]\n\n"),
          ScriptedServer.stream(HELLO + END.strip())
        }) {
      KithException failure = failure(response);

      assertTrue(
          String.valueOf(failure.getMessage()).startsWith("the answer was cut off: "),
          failure.getMessage());
      assertEquals(ExitCode.OTHER, failure.exitCode());
    }
  }

  @Test
  void shouldReportWhatTheEndpointSays() throws Exception {
    KithException busy =
        failure(ScriptedServer.json(429, "{\"error\":{\"message\":\"the queue is full\"}}"));
    assertTrue(String.valueOf(busy.getMessage()).endsWith(" says: the queue is full"));
    assertEquals(ExitCode.OTHER, busy.exitCode());

    assertEquals(
        ExitCode.NOT_AUTHORISED,
        failure(ScriptedServer.json(401, "{\"error\":{\"message\":\"no\"}}")).exitCode());
    assertTrue(
        String.valueOf(failure(ScriptedServer.json(502, "<html>")).getMessage())
            .endsWith(" says: HTTP status 502"));
    assertEquals(
        "the endpoint sent an event that is no JSON",
        failure(ScriptedServer.stream("data: {\n\n")).getMessage());
  }

  @Test
  void shouldReportAnEndpointThatIsNotThere() throws Exception {
    URI url;
    try (ScriptedServer server = new ScriptedServer()) {
      url = server.url();
    }
    try (ChatClient client = new ChatClient(url, null, null)) {
      for (KithException failure :
          new KithException[] {
            assertThrows(KithException.class, client::model),
            assertThrows(KithException.class, () -> client.ask("m", HI, told::append))
          }) {
        assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
        assertEquals(
            "cannot reach " + url + "; is kith up running there? If not here, give --url",
            failure.getMessage());
      }
    }
  }

  @Test
  void shouldKeepTheConversationAndGoOnAfterAFailure() throws Exception {
    String hello = ScriptedServer.stream(HELLO + END);
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    try (ScriptedServer server =
            new ScriptedServer(
                ScriptedServer.MODELS, hello, ScriptedServer.json(500, "{}"), hello, hello);
        ChatClient client = new ChatClient(server.url(), null, null)) {

      new ChatRepl(
              client,
              new PlainSource(
                  new BufferedReader(
                      new StringReader("one\n\nlost\ntwo\n/clear\nthree\n/exit\nfour\n")),
                  new PrintWriter(out),
                  new PrintWriter(err)))
          .run();

      assertEquals(
          "m; /help tells what can be typed, /exit ends|> Hellö|> > |> Hellö|> > Hellö|> ",
          out.toString().replace(System.lineSeparator(), "|"));
      String two = server.requests.get(3);
      assertTrue(two.contains("\"content\":\"one\""), two);
      assertTrue(two.contains("\"role\":\"assistant\""), two);
      assertTrue(two.contains("\"content\":\"two\""), two);
      assertTrue(!two.contains("lost"), two);
      assertTrue(!server.requests.get(4).contains("two"), server.requests.get(4));
      assertEquals(5, server.requests.size());
      String figures = "\\[first token after \\d+ ms, \\d+\\.\\d tokens/s\\]";
      assertTrue(
          err.toString()
              .replace(System.lineSeparator(), "|")
              .matches(
                  "%s\\|kith: http://.* says: HTTP status 500\\|%s\\|%s\\|"
                      .formatted(figures, figures, figures)),
          err.toString());
    }
  }
}
