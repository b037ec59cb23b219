package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.coordinator.generation.FinishReason;

@Tag("fault")
class ConnectionTest {
  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Reads until a line starts with a text, and gives all that was read. */
  private static String readUntil(BufferedReader in, String start) throws IOException {
    StringBuilder read = new StringBuilder();
    for (String line = in.readLine(); ; line = in.readLine()) {
      if (line == null) {
        throw new AssertionError("the stream ended before '" + start + "': " + read);
      }
      read.append(line).append('\n');
      if (line.startsWith(start)) {
        return read.toString();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"stream\":true"})
  void shouldCancelWhenTheClientLeavesDuringPrefill(String more) throws Exception {
    endpoint.service.script = FakeChatService.Run::awaitCancel;
    for (boolean reset : new boolean[] {false, true}) {
      Socket socket = endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(more));
      FakeChatService.Run run = endpoint.service.nextRun();
      if (reset) {
        socket.setSoLinger(true, 0);
      }

      socket.close();

      assertTrue(run.wasCancelled(), "reset=" + reset);
    }
  }

  @Test
  void shouldCancelWhenTheClientLeavesMidStream() throws Exception {
    endpoint.service.script =
        run -> {
          run.say("a");
          run.awaitCancel();
        };
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      readUntil(reader(socket), "data: {");
    }

    assertTrue(endpoint.service.nextRun().wasCancelled());
  }

  @Test
  void shouldNotCancelWhatHasBeenAnswered() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertEquals(200, endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat("")).status());
      assertEquals(1, endpoint.service.nextRun().cancelled.getCount());
    }
  }

  @Test
  void shouldSendHeadersAndCommentsBeforeTheFirstToken() throws Exception {
    CountDownLatch prefilled = new CountDownLatch(1);
    endpoint.service.script =
        run -> {
          prefilled.await();
          run.say("a").finish(FinishReason.STOP);
        };
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      BufferedReader in = reader(socket);

      String head = readUntil(in, "data: {");
      assertTrue(head.startsWith("HTTP/1.1 200 OK"), head);
      readUntil(in, ": keep-alive");
      readUntil(in, ": keep-alive");
      prefilled.countDown();
      readUntil(in, "data: [DONE]");
      assertEquals("", in.readLine());
      readUntil(in, "0");
    }
  }

  @Test
  void shouldAbortTheConnectionWhenTheEngineFailsMidStream() throws Exception {
    endpoint.service.script = run -> run.say("ab").fail("rank 1 (10.0.0.2) is lost");
    StringBuilder read = new StringBuilder();
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      BufferedReader in = reader(socket);

      assertThrows(
          SocketException.class,
          () -> {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
              read.append(line).append('\n');
            }
          },
          () -> "the stream ended as if it were whole: " + read);
    }

    String text = read.toString();
    assertTrue(text.contains("\"content\":\"b\""), text);
    assertTrue(
        text.contains(
            "event: error\ndata: {\"error\":{\"message\":\"rank 1 (10.0.0.2) is lost\","
                + "\"type\":\"server_error\",\"param\":null,\"code\":\"generation_failed\"}}"),
        text);
    assertFalse(text.contains("[DONE]"), text);
    assertFalse(text.contains("\"finish_reason\":\""), text);
    assertFalse(text.lines().anyMatch("0"::equals), text);
  }

  @Test
  void shouldTellAStreamThatItNeverRan() throws Exception {
    endpoint.service.script = run -> run.refuse("no root within 60 s");
    StringBuilder read = new StringBuilder();
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      BufferedReader in = reader(socket);

      assertThrows(
          SocketException.class,
          () -> {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
              read.append(line).append('\n');
            }
          });
    }

    assertTrue(read.toString().contains("\"code\":\"not_ready\""), read.toString());
  }

  @Test
  void shouldCancelWhenTheReaderIsTooSlow() throws Exception {
    endpoint.service.script =
        run -> {
          String text = "x".repeat(1000);
          while (run.cancelled.getCount() > 0) {
            run.token('x', text);
          }
          run.endCancelled();
        };
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      assertTrue(endpoint.service.nextRun().wasCancelled());

      assertThrows(SocketException.class, () -> socket.getInputStream().readAllBytes());
    }
  }

  @Test
  void shouldAnswerPipelinedRequestsInOrder() throws Exception {
    String request = "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n";
    String three =
        request.formatted("/health", "")
            + request.formatted("/v1/models", "")
            + request.formatted("/none", "Connection: close\r\n");
    try (Socket socket = endpoint.raw(three)) {
      String answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertEquals(
          "HTTP/1.1 200 OK HTTP/1.1 200 OK HTTP/1.1 404 Not Found",
          String.join(
              " ",
              answers
                  .lines()
                  .map(l -> l.substring(Math.max(0, l.indexOf("HTTP/1.1"))))
                  .filter(l -> l.startsWith("HTTP/1.1"))
                  .toList()));
    }
  }

  @Test
  void shouldAnswerARequestThatEndsItsConnection() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    endpoint.service.script =
        run -> {
          asked.await();
          run.say("ok").finish(FinishReason.STOP);
        };
    String body = TestEndpoint.chat("");
    try (Socket socket =
        endpoint.raw(
            "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(TestEndpoint.CHAT, body.length(), body))) {
      endpoint.service.nextRun();
      asked.countDown();

      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertTrue(answer.contains("\"content\":\"ok\""), answer);
    }
  }

  @Test
  void shouldCloseConnectionsThatBringNoRequest() throws Exception {
    EndpointSettings.Limits limits = TestEndpoint.limits(Duration.ofMillis(300), 16);
    try (TestEndpoint hasty = new TestEndpoint(TestEndpoint.settings(null, Set.of(), limits))) {
      for (String start : new String[] {"", "GET /health HTTP/1.1\r\nHost: local"}) {
        try (Socket socket = hasty.raw(start)) {
          assertEquals(-1, socket.getInputStream().read(), start);
        }
      }
      // A generation may take longer than that.
      hasty.service.script =
          run -> {
            assertFalse(run.cancelled.await(900, TimeUnit.MILLISECONDS));
            run.say("ok").finish(FinishReason.STOP);
          };
      assertEquals(200, hasty.post(TestEndpoint.CHAT, TestEndpoint.chat("")).status());
    }
  }

  @Test
  void shouldFinishRunningAnswersBeforeItStops() throws Exception {
    CountDownLatch stopping = new CountDownLatch(1);
    endpoint.service.script =
        run -> {
          run.say("a");
          stopping.await();
          run.say("b").finish(FinishReason.STOP);
        };
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      BufferedReader in = reader(socket);
      readUntil(in, "data: {");
      var stopped = endpoint.endpoint.stop(Duration.ofSeconds(20)).toCompletableFuture();
      assertFalse(stopped.isDone());

      stopping.countDown();

      readUntil(in, "data: [DONE]");
      stopped.orTimeout(20, TimeUnit.SECONDS).join();
    }
  }

  @Test
  void shouldCancelRunningGenerationsWhenStopped() throws Exception {
    endpoint.service.script = FakeChatService.Run::awaitCancel;
    try (Socket socket =
        endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true"))) {
      FakeChatService.Run run = endpoint.service.nextRun();

      endpoint.endpoint.stop(Duration.ofMillis(100)).toCompletableFuture().join();

      assertTrue(run.wasCancelled());
      assertThrows(SocketException.class, () -> socket.getInputStream().readAllBytes());
    }
  }
}
