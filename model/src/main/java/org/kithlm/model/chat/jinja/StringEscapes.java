package org.kithlm.model.chat.jinja;

/** Backslash escapes of string literals, as Python's {@code unicode-escape} codec reads them. */
final class StringEscapes {
  private StringEscapes() {}

  static String decode(String literal) {
    if (literal.indexOf('\\') < 0) {
      return literal;
    }
    StringBuilder out = new StringBuilder(literal.length());
    int at = 0;
    while (at < literal.length()) {
      char c = literal.charAt(at++);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char escape = literal.charAt(at++);
      switch (escape) {
        case '\n' -> {}
        case 'n' -> out.append('\n');
        case 't' -> out.append('\t');
        case 'r' -> out.append('\r');
        case 'a' -> out.append('\u0007');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'v' -> out.append('\u000b');
        case '\\', '\'', '"' -> out.append(escape);
        case 'x' -> at = hex(literal, at, 2, out);
        case 'u' -> at = hex(literal, at, 4, out);
        case 'U' -> at = hex(literal, at, 8, out);
        default -> at = octalOrPlain(literal, at, escape, out);
      }
    }
    return out.toString();
  }

  private static int hex(String literal, int at, int digits, StringBuilder out) {
    int end = at + digits;
    int codePoint = 0;
    for (int i = at; i < end; i++) {
      int digit = i < literal.length() ? Character.digit(literal.charAt(i), 16) : -1;
      if (digit < 0 || codePoint > Character.MAX_CODE_POINT >> 4) {
        throw new JinjaException("a string has a malformed \\x, \\u or \\U escape");
      }
      codePoint = codePoint << 4 | digit;
    }
    out.appendCodePoint(codePoint);
    return end;
  }

  private static int octalOrPlain(String literal, int at, char escape, StringBuilder out) {
    if (escape < '0' || escape > '7') {
      out.append('\\').append(escape);
      return at;
    }
    int end = at;
    int codePoint = escape - '0';
    while (end < Math.min(at + 2, literal.length())
        && literal.charAt(end) >= '0'
        && literal.charAt(end) <= '7') {
      codePoint = codePoint << 3 | (literal.charAt(end++) - '0');
    }
    out.append((char) codePoint);
    return end;
  }
}
