package org.kithlm.deploy.chat;

/**
 * How a message of more than one line is typed: between lines of three quotes, or with a backslash
 * at the end of each line but the last.
 */
final class Typed {
  private static final String QUOTES = "\"\"\"";

  private Typed() {}

  /** Whether more lines belong to what was typed so far. */
  static boolean isOpen(String typed) {
    String stripped = typed.strip();
    if (stripped.startsWith(QUOTES)) {
      return stripped.length() < 2 * QUOTES.length() || !stripped.endsWith(QUOTES);
    }
    return typed.endsWith("\\");
  }

  /** The message without what only said that it has more lines. */
  static String text(String typed) {
    String stripped = typed.strip();
    if (stripped.startsWith(QUOTES) && !isOpen(typed)) {
      return stripped.substring(QUOTES.length(), stripped.length() - QUOTES.length()).strip();
    }
    return typed.replace("\\\n", "\n");
  }
}
