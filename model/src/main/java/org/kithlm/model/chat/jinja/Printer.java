package org.kithlm.model.chat.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Python's {@code str} and {@code repr}; a text made from foreign parts is foreign as a whole. */
final class Printer {
  private final Budget budget;
  private final StringBuilder out = new StringBuilder();
  private boolean foreign;

  private Printer(Budget budget) {
    this.budget = budget;
  }

  /** {@code str(value)}. */
  static Text str(Object value, Budget budget) {
    return switch (value) {
      case Text text -> text;
      case Undefined undefined -> Text.EMPTY;
      default -> repr(value, budget);
    };
  }

  /** {@code repr(value)}. */
  static Text repr(Object value, Budget budget) {
    Printer printer = new Printer(budget);
    printer.value(value);
    String text = printer.out.toString();
    return printer.foreign ? Text.foreign(text) : Text.own(text);
  }

  private void value(Object value) {
    budget.enter();
    switch (value) {
      case Text text -> {
        foreign |= text.hasForeign();
        put(PyStrings.repr(text.toString()));
      }
      case Boolean flag -> put(flag ? "True" : "False");
      case Long number -> put(Long.toString(number));
      case Double number -> put(PyNumbers.repr(number));
      case None none -> put("None");
      case Undefined undefined -> put("Undefined");
      case Tuple tuple -> items(tuple, "(", tuple.size() == 1 ? ",)" : ")");
      case List<?> list -> items(list, "[", "]");
      case Map<?, ?> map -> entries(map);
      default -> throw new JinjaException("cannot print a " + Values.typeName(value));
    }
    budget.exit();
  }

  private void items(List<?> list, String open, String close) {
    put(open);
    for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
      value(i.next());
      put(i.hasNext() ? ", " : "");
    }
    put(close);
  }

  private void entries(Map<?, ?> map) {
    put("{");
    for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
      Map.Entry<?, ?> entry = i.next();
      value(entry.getKey());
      put(": ");
      value(entry.getValue());
      put(i.hasNext() ? ", " : "");
    }
    put("}");
  }

  private void put(String text) {
    budget.chars(text.length());
    out.append(text);
  }
}
