package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.Json;

/** Several texts of a real model on two real processes. */
@Tag("model")
class ChoicesIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final int TEXTS = 4;
  private static final int TOKENS = 40;
  private static final long SEED = 11;

  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  @AfterAll
  static void closeClient() {
    CLIENT.close();
  }

  private static KithProcess cluster(int nodes) throws Exception {
    String[] command = {
      "local", "-n", Integer.toString(nodes), MODEL, "--context", "1024", "--port", "0", "--json"
    };
    return KithProcess.start(TestModel.HOME, command);
  }

  /** A prompt of more than a block of the KV cache, so that one is shared and one is copied. */
  private static ObjectNode request(int texts, long seed) {
    return Json.MAPPER
        .createObjectNode()
        .put("model", MODEL)
        .put("prompt", "Here is a story about a fox and a hen. ".repeat(14) + "One day the fox")
        .put("max_tokens", TOKENS)
        .put("temperature", 1)
        .put("n", texts)
        .put("seed", seed)
        .put("logprobs", 2);
  }

  private static HttpRequest post(String endpoint, ObjectNode body) throws Exception {
    return HttpRequest.newBuilder(URI.create(endpoint + "/v1/completions"))
        .timeout(Duration.ofMinutes(2))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(Json.MAPPER.writeValueAsString(body)))
        .build();
  }

  private static JsonNode answer(String endpoint, ObjectNode body) throws Exception {
    HttpResponse<String> response =
        CLIENT.send(post(endpoint, body), HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response::body);
    return Json.MAPPER.readTree(response.body());
  }

  @Test
  void shouldMakeTheTextsThatEachWouldBeAloneAlsoWhenANodeIsLost() throws Exception {
    try (KithProcess cluster = cluster(2)) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      String endpoint = ready.get("endpoint").asText();

      JsonNode together = answer(endpoint, request(TEXTS, SEED)).get("choices");

      assertEquals(TEXTS, together.size());
      Set<String> texts = new TreeSet<>();
      for (int i = 0; i < TEXTS; i++) {
        JsonNode alone = answer(endpoint, request(1, SEED + i)).at("/choices/0");
        for (String field : new String[] {"text", "logprobs", "finish_reason"}) {
          assertEquals(alone.get(field), together.get(i).get(field), field + " of " + i);
        }
        texts.add(together.get(i).get("text").asText());
      }
      assertEquals(TEXTS, texts.size(), "seeds give different texts");

      long leaf = ready.get("nodes").get(1).get("pid").asLong();
      String[] streamed = streamed(endpoint, leaf);
      for (int i = 0; i < TEXTS; i++) {
        assertEquals(together.get(i).get("text").asText(), streamed[i]);
      }
    }
  }

  /** The texts of a stream in which a process is killed. */
  private static String[] streamed(String endpoint, long pid) throws Exception {
    String[] texts = {"", "", "", ""};
    int switches = 0;
    try (Stream<String> lines =
        CLIENT
            .send(
                post(endpoint, request(TEXTS, SEED).put("stream", true)),
                HttpResponse.BodyHandlers.ofLines())
            .body()) {
      Iterator<String> data = lines.filter(line -> line.startsWith("data: {")).iterator();
      int last = -1;
      for (int parts = 0; data.hasNext(); parts++) {
        String event = data.next();
        JsonNode choice = Json.MAPPER.readTree(event.substring("data: ".length())).at("/choices/0");
        assertTrue(choice.isObject(), event);
        int index = choice.get("index").asInt();
        texts[index] += choice.get("text").asText();
        switches += index == last ? 0 : 1;
        last = index;
        if (parts == 10 * TEXTS) {
          assertTrue(ProcessHandle.of(pid).orElseThrow().destroyForcibly());
        }
      }
    }
    assertTrue(switches > TOKENS, "chunks of all texts come in turns");
    return texts;
  }
}
