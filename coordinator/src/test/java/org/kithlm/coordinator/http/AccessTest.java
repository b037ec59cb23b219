package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.BindException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AccessTest {
  private static final EndpointSettings.Limits LIMITS =
      TestEndpoint.limits(Duration.ofSeconds(60), 4096);
  private final TestEndpoint endpoint =
      new TestEndpoint(
          TestEndpoint.settings("s3cret", Set.of("den.example", "https://den.example"), LIMITS));

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private TestEndpoint.Answer modelsFor(String origin) throws Exception {
    return endpoint.send(
        HttpRequest.newBuilder(endpoint.uri("/v1/models"))
            .header("Authorization", "Bearer s3cret")
            .header("Origin", origin));
  }

  private String statusForHost(String host) throws IOException {
    try (Socket socket =
        endpoint.raw(
            "GET /health HTTP/1.1\r\nHost: %s\r\nAuthorization: bearer s3cret\r\nConnection: close\r\n\r\n"
                .formatted(host))) {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
          .substring("HTTP/1.1 ".length(), "HTTP/1.1 200".length());
    }
  }

  @Test
  void shouldAnswerOnlyToItsNames() throws Exception {
    for (String host :
        new String[] {"localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "den.example"}) {
      assertEquals("200", statusForHost(host), host);
    }
    for (String host : new String[] {"evil.example", "localhost.evil.example", "10.0.0.1", "x"}) {
      assertEquals("403", statusForHost(host), host);
    }
  }

  @Test
  void shouldAskForTheKey() throws Exception {
    for (@Nullable String credentials :
        new @Nullable String[] {null, "Bearer wrong", "Bearer s3cre", "Basic czNjcmV0", "s3cret"}) {
      HttpRequest.Builder request = HttpRequest.newBuilder(endpoint.uri("/v1/models"));
      if (credentials != null) {
        request.header("Authorization", credentials);
      }
      TestEndpoint.Answer answer = endpoint.send(request);

      assertEquals(401, answer.status(), credentials);
      assertEquals("invalid_api_key", answer.error().path("code").asText());
      assertEquals("Bearer", answer.header("WWW-Authenticate"));
    }
    assertEquals(200, modelsFor("http://localhost").status());
  }

  @Test
  void shouldLetPagesOfAllowedOriginsAsk() throws Exception {
    for (String origin :
        new String[] {"http://localhost:3000", "http://127.0.0.1", "https://den.example"}) {
      TestEndpoint.Answer answer = modelsFor(origin);

      assertEquals(200, answer.status());
      assertEquals(origin, answer.header("Access-Control-Allow-Origin"));
      assertEquals("Origin", answer.header("Vary"));
    }
    for (String origin :
        new String[] {"https://evil.example", "null", "http://localhost.evil.example"}) {
      TestEndpoint.Answer answer = modelsFor(origin);

      assertEquals(403, answer.status(), origin);
      assertNull(answer.header("Access-Control-Allow-Origin"));
      assertEquals("origin_not_allowed", answer.error().path("code").asText());
    }
  }

  @Test
  void shouldShowErrorsToPagesToo() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.send(
            HttpRequest.newBuilder(endpoint.uri("/nothing"))
                .header("Authorization", "Bearer s3cret")
                .header("Origin", "http://localhost:3000"));

    assertEquals(404, answer.status());
    assertEquals("http://localhost:3000", answer.header("Access-Control-Allow-Origin"));
  }

  @Test
  void shouldAnswerAPreflightWithoutKey() throws Exception {
    TestEndpoint.Answer answer =
        endpoint.send(
            HttpRequest.newBuilder(endpoint.uri(TestEndpoint.CHAT))
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                .header("Origin", "https://den.example")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,x-stainless-os"));

    assertEquals(204, answer.status());
    assertEquals("https://den.example", answer.header("Access-Control-Allow-Origin"));
    assertEquals("authorization, x-stainless-os", answer.header("Access-Control-Allow-Headers"));
    assertEquals("GET, POST, OPTIONS", answer.header("Access-Control-Allow-Methods"));
  }

  @Test
  void shouldRefuseToServeTheNetworkWithoutAKey() {
    for (String host : new String[] {"0.0.0.0", "::"}) {
      CompletionException e =
          assertThrows(
              CompletionException.class,
              () ->
                  new TestEndpoint(new EndpointSettings(host, 0, null, Set.of(), Set.of(), LIMITS))
                      .close());

      assertInstanceOf(IllegalArgumentException.class, e.getCause());
      assertEquals(
          "refusing to listen on "
              + host
              + " without an API key, as anyone on the network could use the model; set an API"
              + " key or listen on 127.0.0.1",
          e.getCause().getMessage());
    }
  }

  @Test
  void shouldNameTheAddressThatIsInUse() {
    int port = endpoint.port();

    CompletionException e =
        assertThrows(
            CompletionException.class,
            () -> new TestEndpoint(EndpointSettings.onLoopback(port)).close());

    assertInstanceOf(BindException.class, e.getCause());
    assertEquals(
        "cannot listen on 127.0.0.1:"
            + port
            + ": Address already in use; stop what listens there or choose another port (0 for a"
            + " free one)",
        e.getCause().getMessage());
  }

  @Test
  void shouldKeepTheKeyOutOfLogs() {
    String text = TestEndpoint.settings("s3cret", Set.of(), LIMITS).toString();

    assertFalse(text.contains("s3cret"), text);
    assertTrue(text.contains("apiKey=set"), text);
  }
}
