package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.FinishReason;

/** Many clients that behave badly, beside one that chats. */
class CrowdTest {
  private static final int IDLE_CLIENTS = 200;
  private static final int SLOW_READERS = 40;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final TestEndpoint endpoint =
      new TestEndpoint(EndpointSettings.onLoopback(0)); // with the limits that users have
  private final List<Socket> crowd = new ArrayList<>();

  @AfterEach
  void stop() throws IOException {
    for (Socket socket : crowd) {
      socket.close();
    }
    endpoint.close();
  }

  private void assertChats() {
    TestEndpoint.Answer answer =
        assertTimeoutPreemptively(
            PATIENCE, () -> endpoint.post(TestEndpoint.CHAT, TestEndpoint.chat("")));
    assertEquals("Hello", answer.json().at("/choices/0/message/content").asText());
  }

  @Test
  void shouldChatBesideClientsThatAskForNothing() throws Exception {
    String[] starts = {
      "",
      "G",
      "GET /v1/models HTTP/1.1\r\nHost: local",
      "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
          .formatted(TestEndpoint.CHAT)
    };
    for (int i = 0; i < IDLE_CLIENTS; i++) {
      crowd.add(endpoint.raw(starts[i % starts.length]));
    }

    assertChats();
  }

  @Test
  void shouldChatBesideClientsThatDoNotRead() throws Exception {
    CountDownLatch written = new CountDownLatch(SLOW_READERS);
    String large = "x".repeat(100_000); // more than sockets hold
    endpoint.service.script =
        run -> {
          for (int i = 0; i < 50; i++) {
            run.token('x', large);
          }
          written.countDown();
          run.finish(FinishReason.STOP);
        };
    for (int i = 0; i < SLOW_READERS; i++) {
      crowd.add(endpoint.rawPost(TestEndpoint.CHAT, TestEndpoint.chat(",\"stream\":true")));
    }
    written.await();
    endpoint.service.script = run -> run.say("Hello").finish(FinishReason.STOP);

    assertChats();
  }

  @Test
  void shouldRefuseALargeBodyWithoutReadingIt() throws Exception {
    try (Socket socket =
        endpoint.raw(
            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    .formatted(TestEndpoint.CHAT)
                + "Content-Length: 100000000\r\n\r\n{")) {
      assertRefused(socket);
    }
  }

  @Test
  void shouldRefuseALargeBodyOfUnknownLengthAtItsLimit() throws Exception {
    try (Socket socket =
        endpoint.raw(
            "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    .formatted(TestEndpoint.CHAT)
                + "Transfer-Encoding: chunked\r\n\r\n")) {
      byte[] chunk = ("10000\r\n" + " ".repeat(0x10000) + "\r\n").getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < 17; i++) { // one more than a mebibyte has
        socket.getOutputStream().write(chunk);
      }
      assertRefused(socket);
    }
  }

  /** The answer comes while the client has not sent the rest yet. */
  private static void assertRefused(Socket socket) {
    String answer =
        assertTimeoutPreemptively(
            PATIENCE,
            () -> {
              InputStream in = socket.getInputStream();
              return new String(in.readNBytes("HTTP/1.1 413".length()), StandardCharsets.UTF_8);
            });
    assertTrue(answer.endsWith("413"), answer);
  }
}
