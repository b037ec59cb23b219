package org.kithlm.model.chat.jinja;

import java.util.List;
import java.util.Map;

/**
 * Evaluated arguments of a call, filter or test.
 *
 * @param positional in order
 * @param named by name, in the order written
 */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** The parameter at a position or of a name, or a default where neither is given. */
  Object get(int index, String name, Object defaultValue) {
    return index < positional.size()
        ? positional.get(index)
        : named.getOrDefault(name, defaultValue);
  }

  /** A positional parameter that must be there. */
  Object require(int index, String name) {
    Object value = get(index, name, MISSING);
    if (value == MISSING) {
      throw new JinjaException("argument '" + name + "' is missing");
    }
    return value;
  }

  /** The positional arguments from an index on, with the same named ones. */
  Arguments from(int index) {
    return new Arguments(
        positional.subList(Math.min(index, positional.size()), positional.size()), named);
  }

  /**
   * Refuses more positional arguments than there are parameters.
   *
   * @param what name of the called thing, for the message
   */
  void atMost(int max, String what) {
    if (positional.size() + named.size() > max) {
      throw new JinjaException(
          what + " takes at most " + max + " arguments, got " + (positional.size() + named.size()));
    }
  }

  private static final Object MISSING = new Object();
}
