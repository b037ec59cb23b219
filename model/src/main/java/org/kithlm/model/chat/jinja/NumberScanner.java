package org.kithlm.model.chat.jinja;

/**
 * Finds where a number literal ends: decimal, 0b, 0o and 0x integers and decimal floats, digits
 * grouped by single underscores.
 *
 * @param end offset after its last character
 * @param isFloat whether it has a fraction or an exponent
 */
record NumberScanner(int end, boolean isFloat) {
  static NumberScanner at(String source, int start) {
    int whole = digits(source, start, 10);
    int end = whole;
    boolean afterDot = start > 0 && source.charAt(start - 1) == '.';
    if (!afterDot) {
      int fraction = charAt(source, end) == '.' ? digits(source, end + 1, 10) : end + 1;
      if (fraction > end + 1) {
        end = fraction;
      }
      int exponent = end + 1;
      if (Character.toLowerCase(charAt(source, end)) == 'e') {
        char sign = charAt(source, exponent);
        int from = sign == '+' || sign == '-' ? exponent + 1 : exponent;
        int to = digits(source, from, 10);
        end = to > from ? to : end;
      }
      if (end > whole) {
        return new NumberScanner(end, true);
      }
    }
    return new NumberScanner(integerEnd(source, start), false);
  }

  private static int integerEnd(String source, int start) {
    if (source.charAt(start) != '0') {
      return digits(source, start, 10);
    }
    int radix =
        switch (Character.toLowerCase(charAt(source, start + 1))) {
          case 'b' -> 2;
          case 'o' -> 8;
          case 'x' -> 16;
          default -> 0;
        };
    if (radix != 0) {
      int end = digits(source, start + 2, radix);
      if (end > start + 2) {
        return end;
      }
    }
    // Python has no decimal integers with leading zeros: only zeros may follow.
    int end = start + 1;
    while (charAt(source, end) == '0') {
      end++;
    }
    return end;
  }

  private static int digits(String source, int start, int radix) {
    int end = start;
    while (isDigit(source, end, radix)
        || (end > start && charAt(source, end) == '_' && isDigit(source, end + 1, radix))) {
      end++;
    }
    return end;
  }

  private static boolean isDigit(String source, int at, int radix) {
    char c = charAt(source, at);
    return c < 128 && Character.digit(c, radix) >= 0;
  }

  private static char charAt(String source, int at) {
    return at < source.length() ? source.charAt(at) : 0;
  }
}
