package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Python's {@code json.dumps} as the {@code tojson} of Hugging Face transformers calls it: no HTML
 * escapes, {@code ensure_ascii} off unless asked for.
 */
final class JsonPrinter {
  private final Budget budget;
  private final StringBuilder out = new StringBuilder();
  private final Style style;
  private boolean foreign;

  /**
   * How to print.
   *
   * @param asciiOnly whether to escape everything beyond ASCII
   * @param multiline whether items go on lines of their own
   * @param indent one level of indentation
   * @param itemSeparator between items
   * @param keySeparator between a key and its value
   * @param sortKeys whether to order objects by key
   */
  private record Style(
      boolean asciiOnly,
      boolean multiline,
      String indent,
      String itemSeparator,
      String keySeparator,
      boolean sortKeys) {}

  private JsonPrinter(Budget budget, Style style) {
    this.budget = budget;
    this.style = style;
  }

  /** {@code value | tojson(ensure_ascii, indent, separators, sort_keys)}. */
  static Text print(Object value, Arguments arguments, Budget budget) {
    arguments.atMost(4, "tojson");
    Object indent = arguments.get(1, "indent", None.NONE);
    boolean multiline = indent != None.NONE;
    Object separators = arguments.get(2, "separators", None.NONE);
    boolean given = separators instanceof List<?> pair && pair.size() == 2;
    Style style =
        new Style(
            Values.truthy(arguments.get(0, "ensure_ascii", false)),
            multiline,
            multiline ? indentText(indent, budget) : "",
            given ? ((List<?>) separators).get(0).toString() : multiline ? "," : ", ",
            given ? ((List<?>) separators).get(1).toString() : ": ",
            Values.truthy(arguments.get(3, "sort_keys", false)));
    JsonPrinter printer = new JsonPrinter(budget, style);
    printer.value(value, "\n");
    String text = printer.out.toString();
    return printer.foreign ? Text.foreign(text) : Text.own(text);
  }

  private static String indentText(Object indent, Budget budget) {
    if (indent instanceof Text text) {
      return text.toString();
    }
    int width = Math.max(0, PyNumbers.count(indent));
    budget.chars(width);
    return " ".repeat(width);
  }

  private void value(Object value, String lineBreak) {
    budget.enter();
    switch (value) {
      case Text text -> string(text);
      case None none -> put("null");
      case Boolean flag -> put(flag ? "true" : "false");
      case Long number -> put(Long.toString(number));
      case Double number -> put(real(number));
      case List<?> list -> array(list, lineBreak);
      case Map<?, ?> map -> object(map, lineBreak);
      case Undefined undefined -> throw undefined.fault();
      default -> throw new JinjaException("cannot write a " + Values.typeName(value) + " as JSON");
    }
    budget.exit();
  }

  private static String real(double number) {
    return Double.isNaN(number)
        ? "NaN"
        : Double.isInfinite(number)
            ? (number > 0 ? "Infinity" : "-Infinity")
            : PyNumbers.repr(number);
  }

  private void array(List<?> list, String lineBreak) {
    if (list.isEmpty()) {
      put("[]");
      return;
    }
    String inner = lineBreak + style.indent();
    put("[");
    for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
      newLine(inner);
      value(i.next(), inner);
      put(i.hasNext() ? style.itemSeparator() : "");
    }
    newLine(lineBreak);
    put("]");
  }

  private void object(Map<?, ?> map, String lineBreak) {
    if (map.isEmpty()) {
      put("{}");
      return;
    }
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (style.sortKeys()) {
      entries.sort((a, b) -> Values.compare(a.getKey(), b.getKey(), budget));
    }
    String inner = lineBreak + style.indent();
    put("{");
    for (Iterator<Map.Entry<?, ?>> i = entries.iterator(); i.hasNext(); ) {
      Map.Entry<?, ?> entry = i.next();
      newLine(inner);
      key(entry.getKey());
      put(style.keySeparator());
      value(entry.getValue(), inner);
      put(i.hasNext() ? style.itemSeparator() : "");
    }
    newLine(lineBreak);
    put("}");
  }

  private void key(Object key) {
    if (key instanceof Text text) {
      string(text);
    } else {
      put("\"");
      value(key, "");
      put("\"");
    }
  }

  private void newLine(String lineBreak) {
    if (style.multiline()) {
      put(lineBreak);
    }
  }

  private void string(Text text) {
    foreign |= text.hasForeign();
    String value = text.toString();
    budget.chars(value.length() + 2L);
    out.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || (style.asciiOnly() && c > 0x7e)) {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private void put(String text) {
    budget.chars(text.length());
    out.append(text);
  }
}
