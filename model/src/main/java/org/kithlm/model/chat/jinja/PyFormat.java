package org.kithlm.model.chat.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Python's {@code %} formatting (s, r, d, i, x, f with flags, width and precision) and the {@code
 * {}}, {@code {0}} and {@code {name}} of {@code str.format}. Literal text and plain {@code %s} keep
 * their marks.
 */
final class PyFormat {
  /** No float has more decimals than this; more would only be zeros. */
  private static final int PRECISION_MAX = 1074;

  private final Budget budget;
  private int position;
  private int used;

  PyFormat(Budget budget) {
    this.budget = budget;
  }

  /** {@code format % arguments}: a tuple for several, a dict for named ones. */
  Text percent(Text format, Object arguments) {
    String pattern = format.toString();
    Text.Builder out = new Text.Builder(budget);
    while (position < pattern.length()) {
      int at = pattern.indexOf('%', position);
      if (at < 0) {
        break;
      }
      out.append(format.cut(position, at));
      position = at + 1;
      out.append(directive(pattern, arguments));
    }
    boolean indexable = // what the reference takes for a mapping, of which nothing need be used
        arguments instanceof Map
            || arguments instanceof Undefined
            || (arguments instanceof List && !(arguments instanceof Tuple));
    int expected = arguments instanceof Tuple tuple ? tuple.size() : 1;
    if (used < expected && !indexable) {
      throw new JinjaException("not all arguments converted during string formatting");
    }
    return out.append(format.cut(position, pattern.length())).build();
  }

  private Text directive(String pattern, Object arguments) {
    Object value = None.NONE;
    boolean named = at(pattern) == '(' && arguments instanceof Map;
    if (named) {
      int end = pattern.indexOf(')', position);
      String name = pattern.substring(position + 1, Math.max(end, position + 1));
      value = ((Map<?, ?>) arguments).get(Text.own(name));
      if (end < 0 || value == null) {
        throw new JinjaException("format key '" + name + "' is missing");
      }
      position = end + 1;
    }
    int flagsStart = position;
    while ("-+ 0#".indexOf(at(pattern)) >= 0) {
      position++;
    }
    String flags = pattern.substring(flagsStart, position);
    int width = digits(pattern, 0);
    int precision = -1;
    if (at(pattern) == '.') {
      position++;
      precision = digits(pattern, 0);
    }
    char type = at(pattern);
    position++;
    if (type == '%') {
      return Text.own("%");
    }
    if (!named) {
      value = next(arguments);
    }
    return padded(converted(type, value, precision, flags), width, flags, type);
  }

  private static char charAt(String text, int index) {
    return index < text.length() ? text.charAt(index) : '\uffff';
  }

  private char at(String pattern) {
    return charAt(pattern, position);
  }

  private int digits(String pattern, int start) {
    int number = start;
    while (at(pattern) >= '0' && at(pattern) <= '9') {
      number = Math.min(number * 10 + (at(pattern) - '0'), Budget.CHARS_MAX);
      position++;
    }
    return number;
  }

  private Object next(Object arguments) {
    List<?> values = arguments instanceof Tuple tuple ? tuple : List.of(arguments);
    if (used == values.size()) {
      throw new JinjaException("not enough arguments for format string");
    }
    return values.get(used++);
  }

  private Text converted(char type, Object value, int precision, String flags) {
    return switch (type) {
      case 's', 'r' -> {
        Text text = type == 's' ? Printer.str(value, budget) : Printer.repr(value, budget);
        yield precision < 0
            ? text
            : (Text) Slices.slice(text, None.NONE, (long) precision, None.NONE, budget);
      }
      case 'd', 'i', 'x' -> {
        long whole = value instanceof Double real ? (long) real.doubleValue() : number(value);
        String digits = type == 'x' ? Long.toString(whole, 16) : Long.toString(whole);
        yield Text.own(signed(digits, flags));
      }
      case 'f' -> {
        int places = precision < 0 ? 6 : precision;
        if (places > PRECISION_MAX) {
          throw new JinjaException("precision " + places + " is more than " + PRECISION_MAX);
        }
        double real = value instanceof Double d ? d : number(value);
        String digits =
            Double.isFinite(real)
                ? new BigDecimal(real).setScale(places, RoundingMode.HALF_EVEN).toPlainString()
                : PyNumbers.repr(real);
        yield Text.own(signed(digits, flags));
      }
      default -> throw new JinjaException("format character '" + type + "' is not supported");
    };
  }

  private static long number(Object value) {
    return PyNumbers.integral(value);
  }

  private static String signed(String digits, String flags) {
    return digits.startsWith("-")
        ? digits
        : flags.contains("+") ? "+" + digits : flags.contains(" ") ? " " + digits : digits;
  }

  private Text padded(Text text, int width, String flags, char type) {
    int missing = width - (int) Values.length(text);
    if (missing <= 0) {
      return text;
    }
    budget.chars(missing);
    if (flags.contains("0") && !flags.contains("-") && type != 's' && type != 'r') {
      String digits = text.toString();
      int sign = "+- ".indexOf(digits.charAt(0)) >= 0 ? 1 : 0;
      return Text.own(digits.substring(0, sign) + "0".repeat(missing) + digits.substring(sign));
    }
    Text spaces = Text.own(" ".repeat(missing));
    Text.Builder out = new Text.Builder(budget);
    return (flags.contains("-") ? out.append(text).append(spaces) : out.append(spaces).append(text))
        .build();
  }

  /** {@code format.format(arguments)}; format specifications are not supported. */
  Text format(Text format, Arguments arguments) {
    String pattern = format.toString();
    Text.Builder out = new Text.Builder(budget);
    while (position < pattern.length()) {
      char c = pattern.charAt(position);
      if ((c == '{' || c == '}') && charAt(pattern, position + 1) == c) {
        out.append(format.cut(position, position + 1));
        position += 2;
      } else if (c == '{') {
        int end = pattern.indexOf('}', position);
        String field = end < 0 ? "!" : pattern.substring(position + 1, end);
        out.append(Printer.str(field(field, arguments), budget));
        position = end + 1;
      } else if (c == '}') {
        throw new JinjaException("single '}' in format string");
      } else {
        out.append(format.cut(position, position + 1));
        position++;
      }
    }
    return out.build();
  }

  private Object field(String field, Arguments arguments) {
    boolean isIndex = field.isEmpty() || field.chars().allMatch(c -> c >= '0' && c <= '9');
    int index =
        field.isEmpty()
            ? used++
            : isIndex
                ? PyNumbers.parseInteger(field, 10).map(PyNumbers::count).orElse(Integer.MAX_VALUE)
                : Integer.MAX_VALUE;
    if (isIndex && index < arguments.positional().size()) {
      return arguments.positional().get(index);
    }
    Object value = arguments.named().get(field);
    if (value == null) {
      throw new JinjaException(
          String.format(Locale.ROOT, "format field '{%s}' is unknown or not supported", field));
    }
    return value;
  }
}
