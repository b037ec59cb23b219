package org.kithlm.model.chat.jinja;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The filters after {@code |}: those of one value here, those of sequences delegated. */
final class Filters {
  private final Budget budget;
  private final TextMethods textMethods;
  private final SequenceFilters sequences;

  Filters(Budget budget, Members members, Tests tests) {
    this.budget = budget;
    this.textMethods = new TextMethods(budget);
    this.sequences = new SequenceFilters(budget, members, tests, this);
  }

  Object apply(String name, Object value, Arguments arguments) {
    budget.read(value);
    return switch (name) {
      case "default", "d" -> defaulted(value, arguments);
      case "length", "count" -> Values.length(value);
      case "string" -> text(value);
      case "trim" ->
          TextMethods.strip(text(value), arguments.get(0, "chars", None.NONE), true, true);
      case "upper" -> text(value).changedTo(text(value).toString().toUpperCase(Locale.ROOT));
      case "lower" -> text(value).changedTo(text(value).toString().toLowerCase(Locale.ROOT));
      case "capitalize" -> text(value).changedTo(PyStrings.capitalize(text(value).toString()));
      case "title" -> text(value).changedTo(PyStrings.titleByWords(text(value).toString()));
      case "replace" -> replaced(text(value), arguments);
      case "indent" -> indented(value, arguments);
      case "format" -> new PyFormat(budget).percent(text(value), formatArguments(arguments));
      case "escape", "e" -> text(value).escaped(budget);
      case "safe" -> text(value).asMarkup();
      case "tojson" -> JsonPrinter.print(value, arguments, budget);
      case "int" -> integer(value, arguments);
      case "float" -> real(value, arguments);
      case "abs" -> absolute(value);
      case "round" -> rounded(value, arguments);
      default -> sequences.apply(name, value, arguments);
    };
  }

  private Text text(Object value) {
    return Printer.str(value, budget);
  }

  private static Object defaulted(Object value, Arguments arguments) {
    arguments.atMost(2, "default");
    boolean falseToo = Values.truthy(arguments.get(1, "boolean", false));
    return value instanceof Undefined || (falseToo && !Values.truthy(value))
        ? arguments.get(0, "default_value", Text.EMPTY)
        : value;
  }

  private Text replaced(Text value, Arguments arguments) {
    Object count = arguments.get(2, "count", None.NONE);
    int countMax = count == None.NONE ? -1 : PyNumbers.count(count);
    return textMethods.replace(
        value,
        text(arguments.require(0, "old")),
        text(arguments.require(1, "new")),
        countMax < 0 ? Integer.MAX_VALUE : countMax);
  }

  private Text indented(Object value, Arguments arguments) {
    if (!(value instanceof Text text)) {
      throw new JinjaException("cannot indent a " + Values.typeName(value));
    }
    Object width = arguments.get(0, "width", 4L);
    boolean first = Values.truthy(arguments.get(1, "first", false));
    boolean blank = Values.truthy(arguments.get(2, "blank", false));
    Text margin =
        width instanceof Text given
            ? given
            : (Text) Operators.apply("*", Text.own(" "), PyNumbers.integral(width), budget);
    Text newLine = Text.own("\n");
    // The filter appends a newline first, so a text that ends with one keeps an empty last line.
    Text whole = new Text.Builder(budget).append(text).append(newLine).build();
    Text.Builder out = new Text.Builder(budget);
    boolean isFirst = true;
    for (Text line : PyStrings.lines(whole, false)) {
      boolean indents = isFirst ? first : blank || !line.isEmpty();
      out.append(isFirst ? Text.EMPTY : newLine).append(indents ? margin : Text.EMPTY).append(line);
      isFirst = false;
    }
    return out.build();
  }

  private static Object formatArguments(Arguments arguments) {
    if (arguments.named().isEmpty()) {
      return new Tuple(arguments.positional());
    }
    Map<Object, Object> named = new LinkedHashMap<>();
    arguments.named().forEach((name, value) -> named.put(Text.own(name), value));
    return named;
  }

  private static Object integer(Object value, Arguments arguments) {
    Object defaultValue = arguments.get(0, "default", 0L);
    return switch (value) {
      case Undefined undefined -> throw undefined.fault();
      case Text text ->
          PyNumbers.parseInteger(text.toString(), PyNumbers.count(arguments.get(1, "base", 10L)))
              .map(Object.class::cast)
              .or(() -> PyNumbers.parseReal(text.toString()).map(r -> truncated(r, defaultValue)))
              .orElse(defaultValue);
      case Double number -> truncated(number, defaultValue);
      default -> PyNumbers.isNumber(value) ? (Object) PyNumbers.integral(value) : defaultValue;
    };
  }

  private static Object truncated(double value, Object defaultValue) {
    if (!Double.isFinite(value)) {
      return defaultValue;
    }
    if (Math.abs(value) >= 0x1p63) {
      throw new JinjaException("integer " + PyNumbers.repr(value) + " is too large for 64 bits");
    }
    return (long) value;
  }

  private static Object real(Object value, Arguments arguments) {
    Object defaultValue = arguments.get(0, "default", 0.0);
    return switch (value) {
      case Undefined undefined -> throw undefined.fault();
      case Text text ->
          PyNumbers.parseReal(text.toString()).map(Object.class::cast).orElse(defaultValue);
      default -> PyNumbers.isNumber(value) ? (Object) PyNumbers.real(value) : defaultValue;
    };
  }

  private static Object absolute(Object value) {
    boolean negative = PyNumbers.isNumber(value) && PyNumbers.real(value) < 0;
    return value instanceof Double real
        ? (Object) Math.abs(real)
        : Operators.signed(negative, value);
  }

  private static Object rounded(Object value, Arguments arguments) {
    if (!PyNumbers.isNumber(value)) {
      throw new JinjaException("cannot round a " + Values.typeName(value));
    }
    int places = PyNumbers.count(arguments.get(0, "precision", 0L));
    String method = arguments.get(1, "method", Text.own("common")).toString();
    double scale = Math.pow(10, places);
    return switch (method) {
      case "common" -> {
        if (value instanceof Double real) {
          yield PyNumbers.round(real, places);
        }
        yield places >= 0
            ? (Object) PyNumbers.integral(value)
            : (Object) (long) PyNumbers.round(PyNumbers.real(value), places);
      }
      case "ceil" -> Math.ceil(PyNumbers.real(value) * scale) / scale;
      case "floor" -> Math.floor(PyNumbers.real(value) * scale) / scale;
      default -> throw new JinjaException("round method must be common, ceil or floor");
    };
  }
}
