package org.kithlm.model.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.kithlm.model.sampling.SamplingParameters;
import org.kithlm.model.tokenizer.Tokenizer;

class ToolCallsTest {
  private static final String CITY =
      "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}";

  private static Tool tool(String name, String schema, boolean strict) {
    try {
      JsonNode parameters = schema.isEmpty() ? null : new ObjectMapper().readTree(schema);
      return new Tool(name, parameters, "tools[0].function.parameters", strict);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static final List<Tool> TOOLS =
      List.of(tool("rain", CITY, true), tool("rain_now", "", false), tool("any", "{}", false));

  private static String call(String name, String arguments) {
    return "<tool_call>\n{\"name\": \""
        + name
        + "\", \"arguments\": "
        + arguments
        + "}\n</tool_call>";
  }

  private static boolean accepts(Grammar grammar, String text) {
    State end = grammar.start().next(text.getBytes(StandardCharsets.UTF_8));
    return end != null && end.isComplete();
  }

  @Test
  void shouldTakeCallsOfTheToolsWithTheirArguments() {
    Grammar one = Grammar.ofToolCalls(TOOLS, false);
    String rain = call("rain", "{\"city\": \"Zürich\"}");
    assertTrue(accepts(one, rain));
    assertTrue(accepts(one, call("rain_now", "{}")));
    assertTrue(accepts(one, call("any", "{\"x\":[1]}")));
    assertFalse(accepts(one, call("rain", "{}")));
    assertFalse(accepts(one, call("rain_now", "{\"x\":1}")));
    assertFalse(accepts(one, call("any", "[]")));
    assertFalse(accepts(one, call("snow", "{}")));
    assertFalse(accepts(one, "Let me see"));
    assertFalse(accepts(one, rain + "\n" + rain));
    assertTrue(accepts(Grammar.ofToolCalls(TOOLS, true), rain + "\n" + call("rain_now", "{}")));
  }

  @Test
  void shouldTakeAnyTextUntilItBeginsACall() {
    Grammar auto = Grammar.ofTextOrToolCalls(TOOLS, true);
    String rain = call("rain", "{\"city\":\"Bern\"}");
    for (String text :
        List.of("", "Hello <b>", "a <tool_ca", "<<tool_call", rain, "I look.\n" + rain)) {
      assertTrue(accepts(auto, text), text);
    }
    assertFalse(accepts(auto, "<<tool_call>{"));
    assertFalse(accepts(auto, rain + " and more"));
    State text = auto.start().next("Hello".getBytes(StandardCharsets.UTF_8));
    assertTrue(text != null && text.isFree());
    State called = auto.start().next(rain.getBytes(StandardCharsets.UTF_8));
    assertTrue(called != null && !called.isFree() && called.isComplete());
  }

  @Test
  void shouldTakeACallOrJsonOfASchema() {
    Grammar both = Grammar.ofAnyObject().orToolCalls(TOOLS, false);
    assertTrue(accepts(both, "{\"a\":1}"));
    assertTrue(accepts(both, call("rain_now", "{}")));
    assertFalse(accepts(both, "Hello"));
  }

  @Test
  void shouldRefuseWhatAStrictToolAsksForAndLoosenTheOthers() {
    String pattern = "{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"x\"}}}";
    SchemaException refused =
        assertThrows(
            SchemaException.class,
            () -> Grammar.ofToolCalls(List.of(tool("t", pattern, true)), false));
    assertEquals(
        "tools[0].function.parameters.properties.a.pattern is not supported", refused.getMessage());
    assertEquals(
        "tools[0].function.parameters.type must be object",
        assertThrows(
                SchemaException.class,
                () -> Grammar.ofToolCalls(List.of(tool("t", "{\"type\":\"array\"}", true)), false))
            .getMessage());
    Grammar loose = Grammar.ofToolCalls(List.of(tool("t", pattern, false)), false);
    assertTrue(accepts(loose, call("t", "{\"b\":2}")));
  }

  /** More tools than alternatives are followed side by side. */
  @Test
  void shouldReachEachOfManyTools() {
    List<Tool> tools =
        IntStream.range(0, 128).mapToObj(i -> tool("tool_" + i, CITY, true)).toList();
    Grammar grammar = Grammar.ofToolCalls(tools, false);
    for (Tool tool : tools) {
      assertTrue(accepts(grammar, call(tool.name(), "{\"city\":\"\"}")), tool.name());
    }
  }

  @Test
  void drawnAnswersAreCallsAlsoAtTheLimit() {
    Tokenizer tokenizer = Vocabularies.small();
    Grammar grammar = Grammar.ofToolCalls(TOOLS, true);
    int shortest = grammar.start().shortestEnd().length;
    for (long seed = 0; seed < 50; seed++) {
      SamplingParameters sampling = new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), seed);
      int limit = shortest + (int) seed * 3;
      Answer answer = Answer.draw(grammar, tokenizer, sampling, limit);
      assertTrue(answer.complete(), answer.text());
      assertTrue(accepts(grammar, answer.text()), answer.text());
    }
  }
}
