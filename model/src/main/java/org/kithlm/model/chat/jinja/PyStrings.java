package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What Python's str does where Java's String does otherwise. */
final class PyStrings {
  private PyStrings() {}

  /** {@code str.isspace} of one code point: more than Java's, it has no-break spaces too. */
  static boolean isSpace(int codePoint) {
    return (codePoint >= 0x09 && codePoint <= 0x0d)
        || (codePoint >= 0x1c && codePoint <= 0x20)
        || codePoint == 0x85
        || Character.isSpaceChar(codePoint);
  }

  private static boolean isLineBreak(char c) {
    return (c >= 0x0a && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  static String rstrip(String text) {
    return text.substring(0, stripEnd(text, ""));
  }

  /** Offset after leading characters of a set; an empty set means whitespace. */
  static int stripStart(String text, String set) {
    int at = 0;
    while (at < text.length() && strips(text.codePointAt(at), set)) {
      at += Character.charCount(text.codePointAt(at));
    }
    return at;
  }

  /** Offset before trailing characters of a set; an empty set means whitespace. */
  static int stripEnd(String text, String set) {
    int at = text.length();
    while (at > 0 && strips(text.codePointBefore(at), set)) {
      at -= Character.charCount(text.codePointBefore(at));
    }
    return at;
  }

  private static boolean strips(int codePoint, String set) {
    return set.isEmpty() ? isSpace(codePoint) : set.indexOf(codePoint) >= 0;
  }

  /** {@code str.splitlines()}. */
  static List<Text> lines(Text text, boolean keepEnds) {
    List<Text> lines = new ArrayList<>();
    String value = text.toString();
    int start = 0;
    for (int at = 0; at < value.length(); at++) {
      if (isLineBreak(value.charAt(at))) {
        int end = at;
        if (value.startsWith("\r\n", at)) {
          at++;
        }
        lines.add(text.cut(start, keepEnds ? at + 1 : end));
        start = at + 1;
      }
    }
    if (start < value.length()) {
      lines.add(text.cut(start, value.length()));
    }
    return lines;
  }

  /** {@code str.capitalize()}. */
  static String capitalize(String text) {
    return text.isEmpty() ? text : capitalizedAt(text, true);
  }

  private static String capitalizedAt(String text, boolean titleCase) {
    int first = text.codePointAt(0);
    String head = Character.toString(first);
    return (titleCase ? titleCase(first) : head.toUpperCase(Locale.ROOT))
        + text.substring(head.length()).toLowerCase(Locale.ROOT);
  }

  private static String titleCase(int codePoint) {
    // Java maps one code point to one; Python follows the full mapping, as for the German ß.
    String upper = Character.toString(codePoint).toUpperCase(Locale.ROOT);
    int first = upper.codePointAt(0);
    return Character.charCount(first) < upper.length()
        ? capitalizedAt(upper, false)
        : Character.toString(Character.toTitleCase(codePoint));
  }

  /** {@code str.title()}: a letter is upper-case unless a letter comes before it. */
  static String title(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean afterCased = false;
    for (int codePoint : text.codePoints().toArray()) {
      out.append(
          afterCased
              ? Character.toString(codePoint).toLowerCase(Locale.ROOT)
              : titleCase(codePoint));
      afterCased = isCased(codePoint);
    }
    return out.toString();
  }

  /** Jinja's {@code title} filter: words begin after spaces, hyphens and opening brackets. */
  static String titleByWords(String text) {
    StringBuilder out = new StringBuilder(text.length());
    int start = 0;
    for (int at = 0; at <= text.length(); at++) {
      boolean separator = at < text.length() && isWordSeparator(text.charAt(at));
      if (at == text.length() || separator) {
        if (at > start) {
          out.append(capitalizedAt(text.substring(start, at), false));
        }
        if (separator) {
          out.append(text.charAt(at));
        }
        start = at + 1;
      }
    }
    return out.toString();
  }

  private static boolean isWordSeparator(char c) {
    return "-({[<".indexOf(c) >= 0 || isSpace(c);
  }

  private static boolean isCased(int codePoint) {
    return Character.isUpperCase(codePoint)
        || Character.isLowerCase(codePoint)
        || Character.isTitleCase(codePoint);
  }

  /** {@code str.isupper()} and {@code str.islower()}: some cased letters, all of this case. */
  static boolean isCase(String text, boolean upper) {
    boolean found = false;
    for (int codePoint : text.codePoints().toArray()) {
      if (isCased(codePoint)) {
        boolean matches =
            upper ? Character.isUpperCase(codePoint) : Character.isLowerCase(codePoint);
        if (!matches) {
          return false;
        }
        found = true;
      }
    }
    return found;
  }

  /** {@code repr(str)}. */
  static String repr(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c == quote) {
                    out.append('\\').append(quote);
                  } else if (isPrintable(c)) {
                    out.appendCodePoint(c);
                  } else {
                    out.append(
                        String.format(
                            Locale.ROOT,
                            c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x",
                            c));
                  }
                }
              }
            });
    return out.append(quote).toString();
  }

  private static boolean isPrintable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> codePoint == ' ';
      default -> true;
    };
  }
}
