package org.kithlm.model.chat.jinja;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** C's {@code strftime} in the C locale, for the directives that dates in prompts use. */
final class Strftime {
  private Strftime() {}

  static String format(String format, LocalDateTime now) {
    StringBuilder out = new StringBuilder();
    int at = 0;
    while (at < format.length()) {
      char c = format.charAt(at++);
      if (c != '%' || at == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(at++);
      boolean unpadded = directive == '-' && at < format.length();
      if (unpadded) {
        directive = format.charAt(at++);
      }
      String text = directive(directive, now);
      out.append(unpadded ? text.replaceFirst("^0+(?=.)", "") : text);
    }
    return out.toString();
  }

  private static String directive(char directive, LocalDateTime now) {
    String pattern =
        switch (directive) {
          case 'Y' -> "uuuu";
          case 'y' -> "uu";
          case 'm' -> "MM";
          case 'd' -> "dd";
          case 'e' -> "ppd";
          case 'B' -> "MMMM";
          case 'b', 'h' -> "MMM";
          case 'A' -> "EEEE";
          case 'a' -> "EEE";
          case 'H' -> "HH";
          case 'I' -> "hh";
          case 'M' -> "mm";
          case 'S' -> "ss";
          case 'p' -> "a";
          case 'j' -> "DDD";
          case 'F' -> "uuuu-MM-dd";
          case 'T' -> "HH:mm:ss";
          case 'R' -> "HH:mm";
          case 'D' -> "MM/dd/uu";
          case 'f' -> "SSSSSS";
          case 'Z', 'z' -> "''"; // a local time without a zone, as in the reference
          case '%' -> "'%'";
          case 'n' -> "'\n'";
          case 't' -> "'\t'";
          default ->
              throw new JinjaException("date directive '%" + directive + "' is not supported");
        };
    return pattern.equals("''")
        ? ""
        : DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
  }
}
