package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.http.ToolCallReader.Part;

class ToolCallReaderTest {
  private static final long SEED = 11;

  private static String call(String name, String arguments) {
    return "<tool_call>\n{\"name\": \""
        + name
        + "\", \"arguments\": "
        + arguments
        + "}\n</tool_call>";
  }

  /** Parts as text, those that continue each other joined; pieces end at random places. */
  private static List<String> read(String text, Random random) {
    ToolCallReader reader = new ToolCallReader();
    List<Part> parts = new ArrayList<>();
    for (int from = 0; from < text.length(); ) {
      int to = Math.min(text.length(), from + 1 + random.nextInt(6));
      parts.addAll(reader.accept(text.substring(from, to)));
      from = to;
    }
    parts.addAll(reader.flush());
    List<String> joined = new ArrayList<>();
    Part before = null;
    for (Part part : parts) {
      String told =
          switch (part) {
            case Part.Text more -> more.text();
            case Part.Call begun -> begun.index() + " " + begun.name();
            case Part.Arguments more -> more.json();
            case Part.CallEnd end -> "end " + end.index();
          };
      boolean continues = before != null && before.getClass() == part.getClass();
      joined.add(continues ? joined.removeLast() + told : told);
      before = part;
    }
    return joined;
  }

  private static void assertReads(List<String> expected, String text) {
    Random random = new Random(SEED);
    for (int round = 0; round < 300; round++) {
      assertEquals(expected, read(text, random), () -> "seed=" + SEED + " " + text);
    }
  }

  @Test
  void shouldTellCallsFromTextHoweverItComes() {
    String hard = "{\"a\":\"}\\\\\\\"{\",\"b\":{\"c\":[{}]}}";
    assertReads(
        List.of("I look.", "0 rain", hard, "end 0", "1 now", "{}", "end 1"),
        "I look.\n\n" + call("rain", hard) + "\n" + call("now", "{}") + "\n");
    assertReads(List.of("0 now", "{}", "end 0"), call("now", "{}"));
  }

  @Test
  void shouldKeepTextThatOnlyLooksLikeACall() {
    for (String text : List.of("a <tool_cal", "a < b\n", " x <b> <tool_", "", "<")) {
      assertReads(text.isEmpty() ? List.of() : List.of(text), text);
    }
  }

  @Test
  void shouldTellWhatThereIsOfACallThatWasCut() {
    assertReads(
        List.of("0 rain", "{\"city\":\"Be"),
        "<tool_call>\n{\"name\": \"rain\", \"arguments\": {\"city\":\"Be");
    assertReads(List.of(), "<tool_call>\n{\"name\": \"ra");
  }
}
