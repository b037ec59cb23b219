package org.kithlm.coordinator.http;

import static java.util.concurrent.TimeUnit.SECONDS;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.jspecify.annotations.Nullable;

/** An endpoint on a free port before a {@link FakeChatService}, and ways to talk to it. */
final class TestEndpoint implements AutoCloseable {
  static final String CHAT = "/v1/chat/completions";
  static final String COMPLETIONS = "/v1/completions";

  final FakeChatService service = new FakeChatService();
  final FakeCluster cluster = new FakeCluster();
  final HttpEndpoint endpoint;
  private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "endpoint-test");
  private final HttpClient client = HttpClient.newHttpClient();

  /** An answer, read as JSON. */
  record Answer(HttpResponse<String> http, JsonNode json) {
    int status() {
      return http.statusCode();
    }

    @Nullable String header(String name) {
      return http.headers().firstValue(name).orElse(null);
    }

    /** The error object, which must be whole. */
    JsonNode error() {
      JsonNode error = json.path("error");
      for (String field : new String[] {"message", "type", "param", "code"}) {
        if (!error.has(field)) {
          throw new AssertionError("no error." + field + " in " + http.body());
        }
      }
      return error;
    }
  }

  TestEndpoint() {
    this(settings(null, Set.of(), limits(Duration.ofSeconds(60), 4096)));
  }

  TestEndpoint(EndpointSettings settings) {
    try {
      endpoint =
          HttpEndpoint.start(system, service, cluster.feed, settings).toCompletableFuture().join();
    } catch (CompletionException e) {
      system.terminate();
      service.close();
      throw e;
    }
  }

  static EndpointSettings settings(
      @Nullable String apiKey, Set<String> allowed, EndpointSettings.Limits limits) {
    return new EndpointSettings("127.0.0.1", 0, apiKey, allowed, allowed, limits);
  }

  static EndpointSettings.Limits limits(Duration idle, int streamBufferEvents) {
    return new EndpointSettings.Limits(
        Duration.ofMillis(200),
        idle,
        Duration.ofSeconds(20),
        Duration.ofSeconds(30),
        1 << 20,
        64,
        streamBufferEvents);
  }

  int port() {
    return endpoint.address().getPort();
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port() + path);
  }

  Answer get(String path) throws IOException, InterruptedException {
    return send(HttpRequest.newBuilder(uri(path)));
  }

  Answer post(String path, String body) throws IOException, InterruptedException {
    return send(
        HttpRequest.newBuilder(uri(path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
    HttpResponse<String> response =
        client.send(
            request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
    boolean json =
        response.headers().firstValue("Content-Type").orElse("").startsWith("application/json");
    return new Answer(
        response,
        Json.MAPPER.readTree(json && !response.body().isEmpty() ? response.body() : "{}"));
  }

  /** A chat request of one message; {@code more} are further fields, each with a comma before. */
  static String chat(String more) {
    return "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]%s}"
        .formatted(FakeChatService.MODEL, more);
  }

  /** A completion request; {@code more} are further fields, each with a comma before. */
  static String completion(String prompt, String more) {
    return "{\"model\":\"%s\",\"prompt\":%s%s}".formatted(FakeChatService.MODEL, prompt, more);
  }

  /** A connection that has sent a POST and not read its answer. */
  Socket rawPost(String path, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return raw(
        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".formatted(path)
            + "Content-Length: %d\r\n\r\n%s".formatted(bytes.length, body));
  }

  /** A connection that has sent some bytes. */
  Socket raw(String text) throws IOException {
    Socket socket = new Socket();
    socket.setSoTimeout(20_000);
    socket.connect(endpoint.address());
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    return socket;
  }

  @Override
  public void close() {
    client.shutdownNow();
    endpoint.stop(Duration.ofSeconds(1)).toCompletableFuture().orTimeout(20, SECONDS).join();
    system.terminate();
    system.getWhenTerminated().toCompletableFuture().orTimeout(20, SECONDS).join();
    service.close();
  }
}
