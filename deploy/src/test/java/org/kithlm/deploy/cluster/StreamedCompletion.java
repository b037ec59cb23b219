package org.kithlm.deploy.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.kithlm.deploy.Json;

/** A greedy completion that is read as it is made. One thread. */
final class StreamedCompletion implements AutoCloseable {
  private static final String DATA = "data: ";
  private static final String DONE = "[DONE]";

  private final HttpClient client = HttpClient.newHttpClient();
  private final Stream<String> lines;
  private final Iterator<String> rest;
  private final List<String> parts = new ArrayList<>();
  private boolean done;

  private StreamedCompletion(String endpoint, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoint + "/v1/completions"))
            .timeout(Duration.ofSeconds(90))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    HttpResponse<Stream<String>> response =
        client.send(request, HttpResponse.BodyHandlers.ofLines());
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + ": " + response.body().toList());
    }
    lines = response.body();
    rest = lines.iterator();
  }

  static StreamedCompletion start(String endpoint, String model, String prompt, int maxTokens)
      throws Exception {
    String body =
        Json.MAPPER.writeValueAsString(
            Json.MAPPER
                .createObjectNode()
                .put("model", model)
                .put("prompt", prompt)
                .put("max_tokens", maxTokens)
                .put("temperature", 0)
                .put("stream", true));
    return new StreamedCompletion(endpoint, body);
  }

  /** Reads on until there are so many parts in all; about one for each token. */
  void readTo(int count) throws IOException {
    while (parts.size() < count) {
      if (!readPart()) {
        throw new AssertionError("ended after " + parts.size() + " parts: " + parts);
      }
    }
  }

  /** What was read so far. */
  String text() {
    return String.join("", parts);
  }

  /** Reads to the end, which must be a good one; the result is the text. */
  String readAll() throws IOException {
    while (readPart()) {
      // All of them are kept.
    }
    if (!done) {
      throw new AssertionError("cut short: " + parts);
    }
    return text();
  }

  private boolean readPart() throws IOException {
    while (!done && rest.hasNext()) {
      String line = rest.next();
      if (!line.startsWith(DATA)) {
        continue; // a comment, or the end of an event
      }
      String data = line.substring(DATA.length());
      done = data.equals(DONE);
      JsonNode choices = done ? null : Json.MAPPER.readTree(data).get("choices");
      if (!done && choices == null) {
        throw new AssertionError("an error in the stream: " + data);
      }
      String text = choices == null ? "" : choices.at("/0/text").asText();
      if (!text.isEmpty()) {
        parts.add(text);
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    lines.close();
    client.close();
  }
}
