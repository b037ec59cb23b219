package org.kithlm.deploy.chat;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;

/** Asks an endpoint, as any client of OpenAI's API would. One question at a time, one thread. */
public final class ChatClient implements AutoCloseable {
  /** A message of a chat. */
  public record Message(String role, String content) {}

  /**
   * An answer to its end.
   *
   * @param text what was said
   * @param finishReason why it ended: stop or length
   * @param ttftMs from asking to the first text, milliseconds, 0 where there was none
   * @param tokensPerSecond rate after the first token, 0 where there is no second one
   */
  public record Answer(String text, String finishReason, double ttftMs, double tokensPerSecond) {}

  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Question(
      String model,
      List<Message> messages,
      @Nullable Float temperature,
      boolean stream,
      StreamOptions streamOptions) {}

  private record StreamOptions(boolean includeUsage) {}

  private static final Duration CONNECT_DEADLINE = Duration.ofSeconds(10);

  /** The endpoint sends a comment every few seconds, so this long a silence means it is gone. */
  private static final Duration SILENCE_MAX = Duration.ofSeconds(60);

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(CONNECT_DEADLINE)
          .build();
  private final String url;
  private final @Nullable String apiKey;
  private @Nullable Float temperature;

  /**
   * A client of an endpoint, without connection yet.
   *
   * @param url {@code http://HOST:PORT}
   * @param apiKey what the endpoint asks for, null for none
   * @param temperature 0 takes the likeliest token each time, null leaves it to the endpoint
   */
  public ChatClient(URI url, @Nullable String apiKey, @Nullable Float temperature) {
    this.url = url.toString().replaceAll("/+$", "");
    this.apiKey = apiKey;
    this.temperature = temperature;
  }

  /** Asks with another temperature from now on, see the constructor. */
  void temperature(@Nullable Float newTemperature) {
    temperature = newTemperature;
  }

  /**
   * The model that is served.
   *
   * @throws KithException if the endpoint can't be reached or refuses the key
   */
  public String model() throws InterruptedException {
    HttpRequest request = request("/v1/models").timeout(SILENCE_MAX).build();
    HttpResponse<String> response;
    try {
      response = http.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw unreachable(e);
    }
    JsonNode id = json(response.body()).path("data").path(0).path("id");
    if (response.statusCode() != 200 || !id.isTextual()) {
      throw refused(response.statusCode(), response.body());
    }
    return id.textValue();
  }

  /**
   * Asks, and waits for the whole answer.
   *
   * @param onText told each part of the text as it comes
   * @throws KithException if there is no answer, or it ends early; what came of it was told
   */
  public Answer ask(String model, List<Message> messages, Consumer<String> onText)
      throws InterruptedException {
    LineQueue lines = new LineQueue();
    BodyHandler<String> body =
        info ->
            info.statusCode() == 200
                ? BodySubscribers.fromLineSubscriber(lines, all -> "", StandardCharsets.UTF_8, null)
                : BodySubscribers.ofString(StandardCharsets.UTF_8);
    AnswerReader reader = new AnswerReader(onText);
    CompletableFuture<HttpResponse<String>> response =
        http.sendAsync(question(model, messages), body);
    CompletionStage<HttpResponse<String>> end = response;
    end.whenComplete((whole, failure) -> lines.end());
    try {
      read(lines, reader);
    } finally {
      // Closes the connection of an answer that is not wanted any more, which stops it.
      response.cancel(true);
    }
    Answer answer = reader.answer();
    if (answer == null) {
      throw cutOff(response);
    }
    return answer;
  }

  private static void read(LineQueue lines, AnswerReader reader) throws InterruptedException {
    SseParser parser = new SseParser();
    Optional<String> line = lines.next(SILENCE_MAX);
    while (line.isPresent()) {
      parser.accept(line.get()).ifPresent(reader::accept);
      line = lines.next(SILENCE_MAX);
    }
  }

  private HttpRequest question(String model, List<Message> messages) {
    byte[] body;
    try {
      body =
          Json.MAPPER.writeValueAsBytes(
              new Question(model, messages, temperature, true, new StreamOptions(true)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("records of strings are always JSON", e);
    }
    return request("/v1/chat/completions")
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
        .build();
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
    return apiKey == null ? request : request.header("Authorization", "Bearer " + apiKey);
  }

  /** Why a response that has ended brought no whole answer. */
  private KithException cutOff(CompletableFuture<HttpResponse<String>> response) {
    try {
      HttpResponse<String> whole = response.join();
      return whole.statusCode() == 200
          ? cutOff((Throwable) null)
          : refused(whole.statusCode(), whole.body());
    } catch (CompletionException e) {
      return cutOff(e.getCause());
    }
  }

  private KithException cutOff(@Nullable Throwable cause) {
    return cause instanceof ConnectException
        ? unreachable(cause)
        : new KithException(
            ExitCode.OTHER,
            "the answer was cut off: the connection to " + url + " ended before it",
            cause);
  }

  private KithException unreachable(Throwable cause) {
    return new KithException(
        ExitCode.UNREACHABLE,
        "cannot reach " + url + "; is kith up running there? If not here, give --url",
        cause);
  }

  private KithException refused(int status, String body) {
    String message = json(body).path("error").path("message").asText("HTTP status " + status);
    return new KithException(
        status == 401 ? ExitCode.NOT_AUTHORISED : ExitCode.OTHER, url + " says: " + message);
  }

  private static JsonNode json(String body) {
    try {
      return Json.MAPPER.readTree(body);
    } catch (JsonProcessingException e) {
      return Json.MAPPER.createObjectNode();
    }
  }

  /** Ends the connections at once. */
  @Override
  public void close() {
    http.shutdownNow();
  }
}
