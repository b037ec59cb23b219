package org.kithlm.coordinator.http;

import java.util.ArrayList;
import java.util.List;

/**
 * A whole answer with its tool calls told from its text.
 *
 * @param text what is for the user
 * @param calls in order
 */
record AnswerWithCalls(String text, List<Call> calls) {
  /**
   * A call.
   *
   * @param arguments JSON, or the begin of it
   * @param isWhole false where the answer was cut within it
   */
  record Call(String name, String arguments, boolean isWhole) {}

  static AnswerWithCalls of(String answer) {
    ToolCallReader reader = new ToolCallReader();
    List<ToolCallReader.Part> parts = new ArrayList<>(reader.accept(answer));
    parts.addAll(reader.flush());
    StringBuilder text = new StringBuilder();
    List<Call> calls = new ArrayList<>();
    for (ToolCallReader.Part part : parts) {
      switch (part) {
        case ToolCallReader.Part.Text more -> text.append(more.text());
        case ToolCallReader.Part.Call begun -> calls.add(new Call(begun.name(), "", false));
        case ToolCallReader.Part.Arguments all -> // one part, as all the text was read at once
            calls.add(new Call(calls.removeLast().name(), all.json(), false));
        case ToolCallReader.Part.CallEnd end -> {
          Call last = calls.removeLast();
          calls.add(new Call(last.name(), last.arguments(), true));
        }
      }
    }
    return new AnswerWithCalls(text.toString(), List.copyOf(calls));
  }
}
