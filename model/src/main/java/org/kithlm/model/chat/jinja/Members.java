package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Attributes and items as Jinja looks them up: {@code a.b} prefers a method over a key, {@code
 * a['b']} a key over a method. Methods that would change a value do not exist here, as the
 * immutable sandbox of the reference refuses them.
 */
final class Members {
  private final Budget budget;
  private final TextMethods textMethods;

  Members(Budget budget) {
    this.budget = budget;
    this.textMethods = new TextMethods(budget);
  }

  /** {@code target.name}. */
  Object attribute(Object target, String name) {
    Optional<Object> own = ownAttribute(target, name);
    if (own.isPresent()) {
      return own.get();
    }
    Object item = target instanceof Map<?, ?> map ? map.get(Text.own(name)) : null;
    return item != null ? item : missing(target, name);
  }

  /** {@code target | attr(name)}: never a key of a mapping. */
  Object noItem(Object target, String name) {
    return ownAttribute(target, name).orElseGet(() -> missing(target, name));
  }

  /** {@code target[index]}. */
  Object item(Object target, Object index) {
    if (target instanceof Undefined undefined) {
      throw undefined.fault();
    }
    if (target instanceof Map<?, ?> map) {
      Object item = Values.isKey(index) ? map.get(index) : null;
      if (item != null) {
        return item;
      }
    } else if ((target instanceof List<?> || target instanceof Text)
        && PyNumbers.isIntegral(index)) {
      return Slices.item(target, index);
    }
    Optional<Object> own =
        index instanceof Text name ? ownAttribute(target, name.toString()) : Optional.empty();
    return own.orElseGet(() -> missing(target, Printer.str(index, budget).toString()));
  }

  private static Undefined missing(Object target, String name) {
    return new Undefined("a " + Values.typeName(target) + " has no attribute '" + name + "'");
  }

  private Optional<Object> ownAttribute(Object target, String name) {
    return switch (target) {
      case Undefined undefined -> throw undefined.fault();
      case HasAttributes attributes -> attributes.attribute(name);
      case Text text -> textMethods.find(text, name).map(Object.class::cast);
      case Map<?, ?> map -> dictMethod(map, name).map(Object.class::cast);
      case List<?> list -> listMethod(list, name).map(Object.class::cast);
      default -> Optional.empty();
    };
  }

  private Optional<Callable> dictMethod(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" ->
          Optional.of(
              a -> {
                Object value = map.get(Values.key(a.require(0, "key")));
                return value != null ? value : a.get(1, "default", None.NONE);
              });
      case "keys" -> Optional.of(a -> counted(new ArrayList<Object>(map.keySet())));
      case "values" -> Optional.of(a -> counted(new ArrayList<Object>(map.values())));
      case "items" -> Optional.of(a -> counted(items(map)));
      case "copy" -> Optional.of(a -> map);
      default -> Optional.empty();
    };
  }

  private List<Object> counted(List<Object> list) {
    budget.steps(list.size());
    return list;
  }

  /** The entries of a mapping as tuples. */
  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private Optional<Callable> listMethod(List<?> list, String name) {
    return switch (name) {
      case "count" ->
          Optional.of(
              a -> {
                long count = 0;
                for (Object item : list) {
                  count += Values.equal(item, a.require(0, "value"), budget) ? 1 : 0;
                }
                return count;
              });
      case "index" ->
          Optional.of(
              a -> {
                for (int i = 0; i < list.size(); i++) {
                  if (Values.equal(list.get(i), a.require(0, "value"), budget)) {
                    return (long) i;
                  }
                }
                throw new JinjaException("the value is not in the list");
              });
      case "copy" -> Optional.of(a -> new ArrayList<Object>(list));
      default -> Optional.empty();
    };
  }
}
