package org.kithlm.model.chat.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's view of values: {@link Text}, Long, Double, Boolean, {@link None}, List, {@link Tuple},
 * Map with scalar keys, one-shot Iterator, {@link Callable}, {@link HasAttributes}, {@link
 * Undefined}.
 */
final class Values {
  private Values() {}

  /**
   * A caller's value: strings become foreign text unless they are {@link Text} already.
   *
   * @throws JinjaException if it has no counterpart or nests too deep
   */
  static Object of(@Nullable Object value, Budget budget) {
    budget.enter();
    Object converted =
        switch (value) {
          case null -> None.NONE;
          case Text text -> text;
          case CharSequence text -> Text.foreign(text.toString());
          case Boolean flag -> flag;
          case Long number -> number;
          case Integer number -> number.longValue();
          case Short number -> number.longValue();
          case Byte number -> number.longValue();
          case BigInteger number -> integer(number);
          case Double number -> number;
          case Float number -> number.doubleValue();
          case BigDecimal number -> number.doubleValue();
          case List<?> list -> {
            List<Object> items = new ArrayList<>(list.size());
            for (Object item : list) {
              items.add(of(item, budget));
            }
            yield items;
          }
          case Map<?, ?> map -> {
            Map<Object, Object> entries = new LinkedHashMap<>();
            map.forEach((key, item) -> entries.put(of(key, budget), of(item, budget)));
            yield entries;
          }
          default ->
              throw new JinjaException(
                  "a value of type " + value.getClass().getSimpleName() + " is not supported");
        };
    budget.exit();
    return converted;
  }

  private static long integer(BigInteger number) {
    if (number.bitLength() >= Long.SIZE) {
      throw new JinjaException("integer " + number + " is too large for 64 bits");
    }
    return number.longValue();
  }

  static String typeName(Object value) {
    return switch (value) {
      case Text text -> "str";
      case Boolean flag -> "bool";
      case Long number -> "int";
      case Double number -> "float";
      case None none -> "None";
      case Tuple tuple -> "tuple";
      case List<?> list -> "list";
      case Map<?, ?> map -> "dict";
      case Iterator<?> iterator -> "generator";
      case Undefined undefined -> "undefined value";
      case Callable callable -> "function";
      case Namespace namespace -> "namespace";
      default -> "loop";
    };
  }

  /** A number for a message. */
  static String numberText(Object number) {
    return number instanceof Double real ? PyNumbers.repr(real) : number.toString();
  }

  static boolean truthy(Object value) {
    return switch (value) {
      case Text text -> !text.isEmpty();
      case Boolean flag -> flag;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case None none -> false;
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Undefined undefined -> false;
      default -> true;
    };
  }

  /** {@code len(value)}; strings count code points. */
  static long length(Object value) {
    return switch (value) {
      case Text text -> text.toString().codePointCount(0, text.length());
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Undefined undefined -> 0;
      default -> throw new JinjaException("a " + typeName(value) + " has no length");
    };
  }

  /** {@code iter(value)}: characters, items or keys. */
  @SuppressWarnings("unchecked") // every iterator that is a value was made with element type Object
  static Iterator<Object> iterate(Object value, Budget budget) {
    return switch (value) {
      case Text text -> characters(text, budget).iterator();
      case List<?> list -> (Iterator<Object>) list.iterator();
      case Map<?, ?> map -> (Iterator<Object>) map.keySet().iterator();
      case Iterator<?> iterator -> (Iterator<Object>) iterator;
      case Undefined undefined -> Collections.emptyIterator();
      default -> throw new JinjaException("cannot iterate over a " + typeName(value));
    };
  }

  /** {@code list(value)}, a new list. */
  static List<Object> list(Object value, Budget budget) {
    List<Object> items = new ArrayList<>();
    for (Iterator<Object> i = iterate(value, budget); i.hasNext(); ) {
      budget.step();
      items.add(i.next());
    }
    return items;
  }

  /** The code points of a text, each a text. */
  static List<Object> characters(Text text, Budget budget) {
    budget.steps(text.length());
    List<Object> characters = new ArrayList<>(text.length());
    String value = text.toString();
    for (int at = 0; at < value.length(); ) {
      int end = at + Character.charCount(value.codePointAt(at));
      characters.add(text.cut(at, end));
      at = end;
    }
    return characters;
  }

  /** {@code left == right}. */
  static boolean equal(Object left, Object right, Budget budget) {
    if (PyNumbers.isIntegral(left) && PyNumbers.isIntegral(right)) {
      return PyNumbers.integral(left) == PyNumbers.integral(right);
    }
    if (PyNumbers.isNumber(left) && PyNumbers.isNumber(right)) {
      return PyNumbers.real(left) == PyNumbers.real(right);
    }
    if (left instanceof Undefined && right instanceof Undefined) {
      return true;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return (a instanceof Tuple) == (b instanceof Tuple) && equalItems(a, b, budget);
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      return equalEntries(a, b, budget);
    }
    budget.read(left);
    return left.equals(right);
  }

  private static boolean equalItems(List<?> left, List<?> right, Budget budget) {
    budget.enter();
    boolean equal = left.size() == right.size();
    for (int i = 0; equal && i < left.size(); i++) {
      equal = equal(left.get(i), right.get(i), budget);
    }
    budget.exit();
    return equal;
  }

  private static boolean equalEntries(Map<?, ?> left, Map<?, ?> right, Budget budget) {
    budget.enter();
    boolean equal = left.size() == right.size();
    for (Map.Entry<?, ?> entry : left.entrySet()) {
      Object other = right.get(entry.getKey());
      equal = equal && other != null && equal(entry.getValue(), other, budget);
    }
    budget.exit();
    return equal;
  }

  /**
   * The order of two values: numbers, strings by code point, lists by their items.
   *
   * @throws JinjaException if Python has no order for them
   */
  static int compare(Object left, Object right, Budget budget) {
    budget.enter();
    int order;
    if (PyNumbers.isIntegral(left) && PyNumbers.isIntegral(right)) {
      order = Long.compare(PyNumbers.integral(left), PyNumbers.integral(right));
    } else if (PyNumbers.isNumber(left) && PyNumbers.isNumber(right)) {
      order = Double.compare(PyNumbers.real(left), PyNumbers.real(right));
    } else if (left instanceof Text a && right instanceof Text b) {
      budget.read(a);
      order = compareCodePoints(a.toString(), b.toString());
    } else if (left instanceof List<?> a
        && right instanceof List<?> b
        && (a instanceof Tuple) == (b instanceof Tuple)) {
      order = 0;
      for (int i = 0; order == 0 && i < Math.min(a.size(), b.size()); i++) {
        order = equal(a.get(i), b.get(i), budget) ? 0 : compare(a.get(i), b.get(i), budget);
      }
      order = order == 0 ? Integer.compare(a.size(), b.size()) : order;
    } else {
      throw left instanceof Undefined undefined
          ? undefined.fault()
          : right instanceof Undefined undefined
              ? undefined.fault()
              : new JinjaException(
                  "cannot order a " + typeName(left) + " and a " + typeName(right));
    }
    budget.exit();
    return order;
  }

  private static int compareCodePoints(String left, String right) {
    int mismatch = 0;
    int end = Math.min(left.length(), right.length());
    while (mismatch < end && left.charAt(mismatch) == right.charAt(mismatch)) {
      mismatch++;
    }
    if (mismatch == end) {
      return Integer.compare(left.length(), right.length());
    }
    char a = left.charAt(mismatch);
    char b = right.charAt(mismatch);
    // Surrogates stand for code points above all others, though their units are below U+E000.
    return Character.isSurrogate(a) == Character.isSurrogate(b)
        ? Character.compare(a, b)
        : Character.isSurrogate(a) ? 1 : -1;
  }

  /** {@code needle in container}. */
  static boolean contains(Object container, Object needle, Budget budget) {
    return switch (container) {
      case Text text -> {
        if (!(needle instanceof Text part)) {
          throw new JinjaException("cannot look for a " + typeName(needle) + " in a str");
        }
        budget.search(text, part);
        yield text.toString().contains(part.toString());
      }
      case Map<?, ?> map -> isKey(hashable(needle)) && map.containsKey(needle);
      default -> {
        boolean found = false;
        for (Iterator<Object> i = iterate(container, budget); !found && i.hasNext(); ) {
          budget.step();
          found = equal(i.next(), needle, budget);
        }
        yield found;
      }
    };
  }

  /** Whether a value can be a key of a mapping; containers cannot, as hashing has no bound. */
  static boolean isKey(Object value) {
    return value instanceof Text || PyNumbers.isNumber(value) || value instanceof None;
  }

  /** A value as a member of a set, which Python's lists and dicts cannot be. */
  static Object hashable(Object value) {
    if (value instanceof Map || (value instanceof List && !(value instanceof Tuple))) {
      throw new JinjaException("a " + typeName(value) + " cannot be hashed");
    }
    return value;
  }

  /** A value that is to be a key of a mapping. */
  static Object key(Object value) {
    if (!isKey(value)) {
      throw new JinjaException("a " + typeName(value) + " cannot be a dict key");
    }
    return value;
  }
}
