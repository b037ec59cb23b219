package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kithlm.deploy.Json;

/**
 * The real models through the kith command: the same greedy tokens on any number of ranks, each
 * time, and those of llama.cpp. With {@code -Dkith.test.table=true} it takes all prompts on 1 to 4
 * ranks instead of a few, and writes what it saw to {@code deploy/target/real-models.md}.
 */
@Tag("model")
class RealModelsIT {
  /** Margins below which the reference's own rounding turns a choice. */
  private static final double REFERENCE_MARGIN = 0.3;

  private static final String ORACLE_KEY = "KITH_TEST_ORACLE";
  private static final boolean TABLE = Boolean.getBoolean("kith.test.table");
  private static final List<String> ROWS = new ArrayList<>();

  /** Prompts that need no reference output; the second goes through the chat template. */
  private static final String CAPITAL = "p1";

  private static final String CHAT = "chat";
  private static final Map<String, String> TEXTS =
      Map.of(
          CAPITAL, "The capital of France is",
          CHAT, "Write one sentence about the sea.");

  /**
   * What to run.
   *
   * @param worldSizes the first is what the others are compared with; one may come twice
   */
  record Case(TestModel model, String prompt, List<Integer> worldSizes, int tokensMax) {}

  static List<Case> cases() {
    if (!TABLE) {
      return List.of(
          new Case(TestModel.SMOLLM2, CAPITAL, List.of(1, 4, 4), 16),
          new Case(TestModel.GEMMA3, CAPITAL, List.of(1, 4), 16),
          new Case(TestModel.QWEN25, CAPITAL, List.of(1, 3), 8));
    }
    List<Case> all = new ArrayList<>();
    for (TestModel model : TestModel.values()) {
      for (String prompt : List.of(CAPITAL, "p2", "p3", CHAT, "long")) {
        all.add(new Case(model, prompt, List.of(1, 2, 3, 4, 4), 32));
      }
    }
    return all;
  }

  @AfterAll
  static void writeTable() throws IOException {
    if (TABLE) {
      List<String> lines = new ArrayList<>();
      lines.add("| model | prompt | ranks | tokens | as on 1 rank | as llama.cpp | ttft | tok/s |");
      lines.add("|---|---|---|---|---|---|---|---|");
      lines.addAll(ROWS);
      Files.write(TestModel.HOME.resolveSibling("real-models.md"), lines);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldAnswerAlikeOnAnyNumberOfRanksAndAsReference(Case run) throws Exception {
    run.model().pull();
    String folder = System.getenv(ORACLE_KEY);
    boolean hasReference = folder != null && !run.prompt().equals(CHAT);
    assumeTrue(hasReference || TEXTS.containsKey(run.prompt()), ORACLE_KEY + " is not set");
    JsonNode reference =
        hasReference
            ? Json.MAPPER.readTree(
                Path.of(folder, run.model().fileName + "-" + run.prompt() + ".json").toFile())
            : Json.MAPPER.createObjectNode().put("prompt", TEXTS.get(run.prompt()));

    String prompt = reference.get("prompt").asText();
    List<JsonNode> answers = new ArrayList<>();
    for (int worldSize : run.worldSizes()) {
      JsonNode answer = answer(run, worldSize, prompt);
      answers.add(answer);
      ROWS.add(row(run, answers.getFirst(), answer, reference));
      checkRanks(worldSize, answers.getFirst(), answer);
    }
    JsonNode last = answers.getLast();
    for (JsonNode answer : answers) {
      assertEquals(last.get("tokens"), answer.get("tokens"), run::toString);
    }

    if (hasReference) {
      assertEquals(reference.get("prompt_ids"), last.get("prompt_tokens"), run::toString);
      int steps = Math.min(certainSteps(reference), run.tokensMax());
      List<Integer> expected = integers(reference.get("greedy_ids")).subList(0, steps);
      List<Integer> actual = integers(last.get("tokens"));
      assertEquals(steps, equalSteps(expected, actual), () -> run + ": " + expected + actual);
    }
    // Only now: what does not need the reference was checked.
    assumeTrue(
        hasReference || run.prompt().equals(CHAT),
        ORACLE_KEY
            + " is not set: give it a folder with reference outputs such as smollm2-p1.json");
  }

  private static void checkRanks(int worldSize, JsonNode alone, JsonNode answer) {
    assertEquals(worldSize, answer.get("nodes").size(), answer::toString);
    if (worldSize > 1) {
      long ownBytes = answer.at("/nodes/1/weights_resident_bytes").asLong();
      long wholeBytes = alone.at("/nodes/0/weights_resident_bytes").asLong();
      assertTrue(ownBytes > 0 && ownBytes < wholeBytes, answer::toString);
    }
  }

  private static JsonNode answer(Case run, int worldSize, String prompt) throws Exception {
    List<String> args = new ArrayList<>(List.of("local", "-n", Integer.toString(worldSize)));
    args.addAll(List.of(run.model().catalogName, "--prompt", prompt, "--temperature", "0"));
    args.addAll(List.of("--max-tokens", Integer.toString(run.tokensMax()), "--json"));
    if (!run.prompt().equals(CHAT)) {
      args.add("--raw");
    }
    try (KithProcess kith = KithProcess.start(TestModel.HOME, args.toArray(String[]::new))) {
      String line = kith.awaitLine();
      assertEquals(0, kith.awaitExit(), kith.errors());
      return Json.MAPPER.readTree(line);
    }
  }

  private static String row(Case run, JsonNode alone, JsonNode answer, JsonNode reference) {
    List<Integer> tokens = integers(answer.get("tokens"));
    String asReference = "";
    if (reference.has("greedy_ids")) {
      int steps = equalSteps(integers(reference.get("greedy_ids")), tokens);
      asReference =
          steps == tokens.size()
              ? "all"
              : steps + ", there its margin is " + reference.at("/greedy_margins/" + steps);
    }
    int asAlone = equalSteps(integers(alone.get("tokens")), tokens);
    return String.format(
        Locale.ROOT,
        "| %s | %s | %d | %d | %s | %s | %.0f ms | %.1f |",
        run.model().catalogName,
        run.prompt(),
        answer.get("nodes").size(),
        tokens.size(),
        asAlone == tokens.size() ? "all" : asAlone,
        asReference,
        answer.get("ttft_ms").asDouble(),
        answer.get("tokens_per_second").asDouble());
  }

  /** Greedy steps of the reference before its end or the first that another rounding could turn. */
  private static int certainSteps(JsonNode reference) {
    JsonNode margins = reference.get("greedy_margins");
    int end = reference.at("/eog_in_greedy/0").asInt(margins.size());
    int steps = 0;
    while (steps < end && margins.get(steps).asDouble() >= REFERENCE_MARGIN) {
      steps++;
    }
    return steps;
  }

  private static int equalSteps(List<Integer> first, List<Integer> second) {
    int steps = 0;
    while (steps < Math.min(first.size(), second.size())
        && first.get(steps).equals(second.get(steps))) {
      steps++;
    }
    return steps;
  }

  private static List<Integer> integers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asInt).toList();
  }
}
