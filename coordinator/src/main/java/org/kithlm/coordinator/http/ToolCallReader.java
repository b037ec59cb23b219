package org.kithlm.coordinator.http;

import java.util.ArrayList;
import java.util.List;
import org.kithlm.model.constraint.ToolCallForm;

/**
 * Tells the tool calls of an answer from its text while it is made. The sampler has kept the calls
 * to their form, so what stands in one needs no check. One answer, one thread.
 */
final class ToolCallReader {
  /** A part of an answer. */
  sealed interface Part {
    /** Text for the user. */
    record Text(String text) implements Part {}

    /** The begin of a call; its arguments follow. */
    record Call(int index, String name) implements Part {}

    /** More of the arguments of the last call. */
    record Arguments(int index, String json) implements Part {}

    /** The last call is whole. */
    record CallEnd(int index) implements Part {}
  }

  private enum Place {
    TEXT,
    BEFORE_NAME,
    NAME,
    BEHIND_NAME,
    ARGUMENTS,
    BEHIND_ARGUMENTS
  }

  private final StringBuilder held = new StringBuilder();
  private Place place = Place.TEXT;
  private int calls;
  private int depth; // of braces within the arguments
  private boolean inString;
  private boolean escaped;

  /** How many calls have begun. */
  int calls() {
    return calls;
  }

  /** What some more of the answer gives; text that may become a call is held back. */
  List<Part> accept(String text) {
    held.append(text);
    List<Part> parts = new ArrayList<>();
    while (step(parts)) {}
    return parts;
  }

  /** What was held back, when no more will come. */
  List<Part> flush() {
    boolean text = place == Place.TEXT && !(calls > 0 && held.toString().isBlank());
    List<Part> parts = new ArrayList<>();
    if (text) {
      addText(held.length(), parts);
    }
    held.setLength(0);
    return parts;
  }

  /** Whether anything could be taken from what is held. */
  private boolean step(List<Part> parts) {
    return switch (place) {
      case TEXT -> text(parts);
      case BEFORE_NAME -> skip(ToolCallForm.BEFORE_NAME, Place.NAME);
      case NAME -> name(parts);
      case BEHIND_NAME -> skip(ToolCallForm.BEHIND_NAME, Place.ARGUMENTS);
      case ARGUMENTS -> arguments(parts);
      case BEHIND_ARGUMENTS -> {
        boolean ended = skip(ToolCallForm.BEHIND_ARGUMENTS, Place.TEXT);
        if (ended) {
          parts.add(new Part.CallEnd(calls - 1));
        }
        yield ended;
      }
    };
  }

  private boolean skip(String text, Place next) {
    if (held.length() < text.length()) {
      return false;
    }
    held.delete(0, text.length());
    place = next;
    return true;
  }

  private boolean text(List<Part> parts) {
    int marker = held.indexOf(ToolCallForm.MARKER);
    if (marker >= 0) {
      addText(withoutBlanks(marker), parts);
      held.delete(0, held.indexOf(ToolCallForm.MARKER) + ToolCallForm.MARKER.length());
      place = Place.BEFORE_NAME;
      return true;
    }
    int begun = held.lastIndexOf("<");
    boolean maybe = begun >= 0 && ToolCallForm.MARKER.startsWith(held.substring(begun));
    addText(withoutBlanks(maybe ? begun : held.length()), parts);
    return false;
  }

  /** Where the blanks begin that end before an index: they belong to the call, if one follows. */
  private int withoutBlanks(int end) {
    int index = end;
    while (index > 0 && Character.isWhitespace(held.charAt(index - 1))) {
      index--;
    }
    return index;
  }

  private void addText(int length, List<Part> parts) {
    if (length > 0) {
      parts.add(new Part.Text(held.substring(0, length)));
      held.delete(0, length);
    }
  }

  private boolean name(List<Part> parts) {
    int end = held.indexOf("\"");
    if (end < 0) {
      return false;
    }
    parts.add(new Part.Call(calls++, held.substring(0, end)));
    held.delete(0, end);
    place = Place.BEHIND_NAME;
    return true;
  }

  private boolean arguments(List<Part> parts) {
    int length = 0;
    boolean over = false;
    while (length < held.length() && !over) {
      over = isLast(held.charAt(length++));
    }
    if (length > 0) {
      parts.add(new Part.Arguments(calls - 1, held.substring(0, length)));
      held.delete(0, length);
    }
    if (over) {
      place = Place.BEHIND_ARGUMENTS;
    }
    return over;
  }

  /** Whether a character closes the arguments. */
  private boolean isLast(char c) {
    if (inString) {
      inString = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{') {
      depth++;
    } else if (c == '}') {
      depth--;
    }
    return depth == 0;
  }
}
