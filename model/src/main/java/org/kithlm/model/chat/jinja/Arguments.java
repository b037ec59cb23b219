package org.kithlm.model.chat.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Evaluated arguments of a call, filter or test.
 *
 * @param positional in order
 * @param named by name, in the order written
 */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /** The parameter at a position or of a name, if it is given. */
  Optional<Object> find(int index, String name) {
    return index < positional.size()
        ? Optional.of(positional.get(index))
        : Optional.ofNullable(named.get(name));
  }

  /** The parameter at a position or of a name, or a default. */
  Object get(int index, String name, Object defaultValue) {
    return find(index, name).orElse(defaultValue);
  }

  /** The parameter at a position or of a name, which must be given. */
  Object require(int index, String name) {
    return find(index, name)
        .orElseThrow(() -> new JinjaException("argument '" + name + "' is missing"));
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
}
