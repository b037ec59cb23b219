package org.kithlm.model.chat.jinja;

import java.util.AbstractList;
import java.util.List;

/** Python's tuple: a list that prints with parentheses and never equals a list. Immutable. */
final class Tuple extends AbstractList<Object> {
  private final List<Object> items;

  Tuple(List<Object> items) {
    this.items = items;
  }

  static Tuple of(Object... items) {
    return new Tuple(List.of(items));
  }

  @Override
  public Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }
}
