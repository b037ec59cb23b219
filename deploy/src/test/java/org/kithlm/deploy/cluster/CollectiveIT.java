package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.deploy.Json;

/**
 * Whole clusters whose ranks sum in each of the forms, sealed; {@link RealModelsIT} has the one
 * that is the default here. The prompt is long enough for sums to overlap with computing, but with
 * shared memory.
 */
class CollectiveIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;

  @SuppressWarnings("NullAway.Init") // set before the tests
  private static JsonNode ofTheStar;

  @BeforeAll
  static void answerWithTheStar() throws Exception {
    TestModel.SMOLLM2.pull();
    ofTheStar = answer("star").get("tokens");
  }

  private static KithProcess cluster(String form, String... options) throws Exception {
    Stream<String> command = Stream.of("local", "-n", "3", MODEL, "--collective", form, "--json");
    return KithProcess.start(
        TestModel.HOME, Stream.concat(command, Stream.of(options)).toArray(String[]::new));
  }

  private static JsonNode answer(String form, String... options) throws Exception {
    return answerAt("0", form, options);
  }

  private static JsonNode answerAt(String temperature, String form, String... options)
      throws Exception {
    String prompt = "The capital of France is Paris. ".repeat(8) + "The capital of Italy is";
    Stream<String> raw =
        Stream.of("--raw", "--prompt", prompt, "--max-tokens", "16", "--temperature", temperature);
    try (KithProcess cluster =
        cluster(form, Stream.concat(raw, Stream.of(options)).toArray(String[]::new))) {
      JsonNode answer = Json.MAPPER.readTree(cluster.awaitLine());
      assertEquals(0, cluster.awaitExit(), cluster.errors());
      JsonNode sums = answer.at("/plan/sums");
      assertEquals(form, sums.get("choice").asText());
      assertTrue(sums.get("sealed").asBoolean(), answer::toString);
      for (JsonNode payload : sums.get("payloads")) {
        assertTrue(
            form.equals("auto") || payload.get("form").asText().equals(form), sums::toString);
      }
      assertEquals(form.equals("auto"), sums.at("/links/bytes_per_second").asLong() > 0);
      return answer;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "two-shot", "auto", "shared-memory"})
  void shouldAnswerAsWithTheStar(String form) throws Exception {
    assertEquals(ofTheStar, answer(form).get("tokens"));
  }

  /** With links measured on one machine, where sums are work, ranks share the prompt's tokens. */
  @ParameterizedTest
  @ValueSource(strings = {"direct", "auto"})
  void shouldAnswerAsWithTheStarWhereAllComputeAttention(String form) throws Exception {
    assertEquals(ofTheStar, answer(form, "--attention", "replicated").get("tokens"));
  }

  /** Greedily leaves send a candidate each, else all their logits. */
  @ParameterizedTest
  @ValueSource(strings = {"0", "0.9"})
  void shouldAnswerAsWithTheRootsHeadWhereAllShareIt(String temperature) throws Exception {
    JsonNode root = answerAt(temperature, "star");
    JsonNode split = answerAt(temperature, "auto", "--head", "split", "--attention", "replicated");
    assertEquals(root.get("tokens"), split.get("tokens"));
    assertEquals(root.get("text"), split.get("text"));
  }

  @Test
  @Tag("fault")
  void shouldGoOnWithoutALeafThatAllWaitedFor() throws Exception {
    try (KithProcess cluster = cluster("direct", "--attention", "replicated", "--port", "0")) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      assertEquals("direct", ready.at("/sums/payloads/0/form").asText(), ready::toString);
      try (KithProcess ps = KithProcess.start(TestModel.HOME, "ps")) {
        assertEquals(0, ps.awaitExit(), ps.errors());
        String table = ps.rest();
        assertTrue(table.contains("sums: direct, exact, sealed"), table);
        assertTrue(table.contains("attention: replicated"), table);
      }
      String endpoint = ready.get("endpoint").asText();
      try (StreamedCompletion answer = StreamedCompletion.start(endpoint, MODEL, "Once", 60)) {
        answer.readTo(10);
        long leaf = ready.at("/nodes/2/pid").asLong();
        assertTrue(ProcessHandle.of(leaf).orElseThrow().destroyForcibly());
        assertFalse(answer.readAll().isEmpty());
      }
    }
  }
}
