package org.kithlm.coordinator.browser;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The protocol's connection: commands with their answers, and events by session. Thread-safe. */
final class DevTools implements AutoCloseable, WebSocket.Listener {
  static final long TIMEOUT_SECONDS = 30;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final HttpClient client = HttpClient.newHttpClient();
  private final WebSocket socket;
  private final AtomicInteger lastId = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final Map<String, Consumer<JsonNode>> listeners = new ConcurrentHashMap<>();
  private final StringBuilder received = new StringBuilder(); // of the client's thread

  DevTools(URI address) {
    socket =
        client
            .newWebSocketBuilder()
            .buildAsync(address, this)
            .orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS)
            .join();
  }

  /** Tells a listener the events of a session. */
  void listen(String session, Consumer<JsonNode> listener) {
    listeners.put(session, listener);
  }

  /**
   * Sends a command and waits for its answer.
   *
   * @param session which tab, null for the browser
   * @param parameters names and values in turn
   */
  synchronized JsonNode send(@Nullable String session, String method, Object... parameters) {
    ObjectNode command = MAPPER.createObjectNode();
    int id = lastId.incrementAndGet();
    command.put("id", id).put("method", method);
    if (session != null) {
      command.put("sessionId", session);
    }
    ObjectNode values = command.putObject("params");
    for (int i = 0; i < parameters.length; i += 2) {
      values.set((String) parameters[i], MAPPER.valueToTree(parameters[i + 1]));
    }
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(id, answer);
    socket.sendText(command.toString(), true).orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS).join();
    JsonNode reply = answer.orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS).join();
    if (reply.has("error")) {
      throw new AssertionError(method + ": " + reply.path("error"));
    }
    return reply.path("result");
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
    received.append(data);
    if (last) {
      String text = received.toString();
      received.setLength(0);
      take(text);
    }
    webSocket.request(1);
    return null;
  }

  private void take(String text) {
    JsonNode message;
    try {
      message = MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not a message: " + text, e);
    }
    CompletableFuture<JsonNode> answer = answers.remove(message.path("id").asInt());
    Consumer<JsonNode> listener = listeners.get(message.path("sessionId").asText());
    if (answer != null) {
      answer.complete(message);
    } else if (listener != null) {
      listener.accept(message);
    }
  }

  @Override
  public void close() {
    socket.abort();
    client.shutdownNow();
  }
}
