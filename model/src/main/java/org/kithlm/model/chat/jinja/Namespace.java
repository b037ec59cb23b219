package org.kithlm.model.chat.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The result of {@code namespace(...)}: attributes that inner scopes can set. */
final class Namespace implements HasAttributes {
  private final Map<String, Object> attributes = new HashMap<>();

  void set(String name, Object value) {
    attributes.put(name, value);
  }

  @Override
  public Optional<Object> attribute(String name) {
    return Optional.ofNullable(attributes.get(name));
  }
}
