package org.kithlm.model.chat.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Compares renderings with those of Python's Jinja, made by src/test/python/render_golden.py. */
class GoldenRenderingTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 1, 2, 3, 4, 5);
  private static final ObjectMapper JSON = new ObjectMapper();

  @TestFactory
  List<DynamicTest> shouldRenderAsTheReferenceDoes() throws IOException {
    JsonNode golden = JSON.readTree(resource("golden.json"));
    Map<String, Map<String, Object>> conversations =
        JSON.readValue(resource("conversations.json"), new TypeReference<>() {});
    List<DynamicTest> tests = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : golden.properties()) {
      Template template = Template.parse(resource("templates/" + entry.getKey() + ".jinja"));
      conversations.forEach(
          (name, variables) ->
              tests.add(
                  DynamicTest.dynamicTest(
                      entry.getKey() + ": " + name,
                      () -> check(entry.getValue().required(name), template, variables))));
    }
    return tests;
  }

  @Test
  void shouldHaveAGoldenRenderingOfEveryFamily() throws IOException {
    List<String> names = new ArrayList<>();
    JSON.readTree(resource("golden.json")).fieldNames().forEachRemaining(names::add);
    assertTrue(
        names.containsAll(
            List.of(
                "chatml",
                "commandr",
                "deepseek",
                "functionary",
                "gemma",
                "granite",
                "hermes",
                "idioms",
                "llama2",
                "llama3",
                "mistral",
                "phi",
                "qwen3",
                "smollm3",
                "values",
                "zephyr")),
        "golden.json has only " + names);
  }

  private static void check(JsonNode expected, Template template, Map<String, Object> variables) {
    if (expected.has("text")) {
      Text text = template.render(variables, NOW);
      assertEquals(expected.get("text").textValue(), text.toString());
      assertEquals(
          text.toString(), text.runs().stream().map(Text.Run::text).collect(Collectors.joining()));
    } else {
      JinjaException fault =
          assertThrows(JinjaException.class, () -> template.render(variables, NOW));
      if (expected.has("raised")) {
        assertEquals(expected.get("raised").textValue(), fault.getMessage());
      }
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            GoldenRenderingTest.class.getResourceAsStream("/chat/" + name), name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
