package org.kithlm.model.chat.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Python's numbers: int as {@link Long} (larger ones are an error), float, and bool as 0 or 1. */
final class PyNumbers {
  /** Longest text that is tried as a number: the matcher recurses at every underscore. */
  private static final int DIGITS_MAX = 1000;

  private static final Pattern FLOAT =
      Pattern.compile("[+-]?(\\d+(_\\d+)*\\.?(\\d+(_\\d+)*)?|\\.\\d+(_\\d+)*)([eE][+-]?\\d+)?");
  private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9a-zA-Z]+(_[0-9a-zA-Z]+)*");

  private PyNumbers() {}

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  /** Whether a number is an int or a bool. */
  static boolean isIntegral(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static double real(Object number) {
    return number instanceof Double value ? value : (double) integral(number);
  }

  /** The value of an int or bool. */
  static long integral(Object number) {
    if (number instanceof Boolean flag) {
      return flag ? 1 : 0;
    }
    if (number instanceof Long value) {
      return value;
    }
    throw new JinjaException("expected an integer, got " + Values.typeName(number));
  }

  /** An int that is an index or a count, clamped to the range of {@code int}. */
  static int count(Object number) {
    return Math.clamp(integral(number), Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  /** {@code left operator right} of two numbers. */
  static Object arithmetic(String operator, Object left, Object right) {
    boolean whole = isIntegral(left) && isIntegral(right);
    try {
      return whole && !operator.equals("/")
          ? ofIntegers(operator, integral(left), integral(right))
          : ofReals(operator, real(left), real(right));
    } catch (ArithmeticException e) {
      throw new JinjaException(
          Values.numberText(left)
              + " "
              + operator
              + " "
              + Values.numberText(right)
              + " divides by zero or is too large for 64 bits");
    }
  }

  private static Object ofIntegers(String operator, long left, long right) {
    return switch (operator) {
      case "+" -> Math.addExact(left, right);
      case "-" -> Math.subtractExact(left, right);
      case "*" -> Math.multiplyExact(left, right);
      case "//" -> Math.floorDivExact(left, right);
      case "%" -> Math.floorMod(left, right);
      default -> right < 0 ? ofReals("**", (double) left, (double) right) : power(left, right);
    };
  }

  private static long power(long base, long exponent) {
    if (exponent > 63 && (base > 1 || base < -1)) {
      throw new ArithmeticException();
    }
    // |base| <= 1 here where the exponent is large: only its parity matters
    long result = 1;
    for (long i = exponent > 63 ? 62 + (exponent & 1) : exponent; i > 0; i--) {
      result = Math.multiplyExact(result, base);
    }
    return result;
  }

  private static Object ofReals(String operator, double left, double right) {
    boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
    if ((divides && right == 0) || (operator.equals("**") && left == 0 && right < 0)) {
      throw new ArithmeticException();
    }
    return switch (operator) {
      case "+" -> left + right;
      case "-" -> left - right;
      case "*" -> left * right;
      case "/" -> left / right;
      case "//" -> Math.rint((left - floorMod(left, right)) / right); // whole but for rounding
      case "%" -> floorMod(left, right);
      default -> {
        double power = Math.pow(left, right);
        if (Double.isNaN(power) || (Double.isInfinite(power) && Double.isFinite(left))) {
          throw new ArithmeticException();
        }
        yield power;
      }
    };
  }

  /** The remainder with the sign of the divisor. */
  private static double floorMod(double left, double right) {
    double rest = left % right;
    if (rest == 0) {
      return Math.copySign(0.0, right);
    }
    return (rest < 0) != (right < 0) ? rest + right : rest;
  }

  /** {@code repr(float)}: shortest digits that read back; exponent below 1e-4 and from 1e16. */
  static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal decimal = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    String digits = decimal.unscaledValue().toString();
    int exponent = digits.length() - 1 - decimal.scale();
    String sign = value < 0 ? "-" : "";
    if (exponent >= -4 && exponent < 16) {
      String plain = decimal.toPlainString();
      return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }
    String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
    String power = (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
    return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + power;
  }

  /** {@code round(value, places)}: to the nearest, ties of the exact value to even. */
  static double round(double value, int places) {
    if (!Double.isFinite(value) || places > 400) {
      return value;
    }
    if (places < -400) {
      return Math.copySign(0.0, value);
    }
    double rounded = new BigDecimal(value).setScale(places, RoundingMode.HALF_EVEN).doubleValue();
    return Math.copySign(rounded, value);
  }

  /** A text without whitespace around it; empty, which is no number, if it is too long for one. */
  private static String trimmed(String text) {
    String start = text.substring(0, PyStrings.stripEnd(text, ""));
    String trimmed = start.substring(PyStrings.stripStart(start, ""));
    return trimmed.length() > DIGITS_MAX ? "" : trimmed;
  }

  /** {@code float(text)}, if it is one. */
  static Optional<Double> parseReal(String text) {
    String trimmed = trimmed(text);
    if (FLOAT.matcher(trimmed).matches()) {
      return Optional.of(Double.parseDouble(trimmed.replace("_", "")));
    }
    return switch (trimmed.toLowerCase(Locale.ROOT)) {
      case "nan", "+nan", "-nan" -> Optional.of(Double.NaN);
      case "inf", "+inf", "infinity", "+infinity" -> Optional.of(Double.POSITIVE_INFINITY);
      case "-inf", "-infinity" -> Optional.of(Double.NEGATIVE_INFINITY);
      default -> Optional.empty();
    };
  }

  /** {@code int(text, radix)}, if it is one of 64 bits; a prefix such as 0x may name the radix. */
  static Optional<Long> parseInteger(String text, int radix) {
    String trimmed = trimmed(text);
    if (!INTEGER.matcher(trimmed).matches()) {
      return Optional.empty();
    }
    String digits = trimmed.replace("_", "").toLowerCase(Locale.ROOT);
    boolean signed = digits.charAt(0) == '-' || digits.charAt(0) == '+';
    String body = signed ? digits.substring(1) : digits;
    String prefix = radix == 16 ? "0x" : radix == 8 ? "0o" : radix == 2 ? "0b" : " ";
    if (body.startsWith(prefix)) {
      body = body.substring(2);
    }
    try {
      return Optional.of(Long.parseLong(digits.charAt(0) == '-' ? "-" + body : body, radix));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }
}
