package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Filters of sequences. Those that are generators in the reference give one-shot iterators, which
 * are true even when empty and have no length, as there.
 */
final class SequenceFilters {
  private final Budget budget;
  private final Members members;
  private final Tests tests;
  private final Filters filters;

  SequenceFilters(Budget budget, Members members, Tests tests, Filters filters) {
    this.budget = budget;
    this.members = members;
    this.tests = tests;
    this.filters = filters;
  }

  Object apply(String name, Object value, Arguments arguments) {
    return switch (name) {
      case "list" -> Values.list(value, budget);
      case "first" -> first(value);
      case "last" -> last(value);
      case "join" -> join(value, arguments);
      case "reverse" -> reverse(value);
      case "items" -> items(value);
      case "dictsort" -> dictSort(value, arguments);
      case "sort" -> sort(value, arguments);
      case "unique" -> unique(value, arguments);
      case "min" -> extreme(value, arguments, 1);
      case "max" -> extreme(value, arguments, -1);
      case "sum" -> sum(value, arguments);
      case "map" -> map(value, arguments);
      case "select" -> select(value, item -> item, arguments, true);
      case "reject" -> select(value, item -> item, arguments, false);
      case "selectattr" -> selectByAttribute(value, arguments, true);
      case "rejectattr" -> selectByAttribute(value, arguments, false);
      case "attr" -> members.noItem(value, arguments.require(0, "name").toString());
      default -> throw new JinjaException("filter '" + name + "' is unknown");
    };
  }

  private Object first(Object value) {
    Iterator<Object> items = Values.iterate(value, budget);
    return items.hasNext() ? items.next() : new Undefined("the sequence is empty");
  }

  private Object last(Object value) {
    if (value instanceof Iterator) {
      throw new JinjaException("a generator cannot be read from its end; use | list");
    }
    List<Object> items = Values.list(value, budget);
    return items.isEmpty() ? new Undefined("the sequence is empty") : items.getLast();
  }

  private Text join(Object value, Arguments arguments) {
    Text separator = Printer.str(arguments.get(0, "d", Text.EMPTY), budget);
    Object attribute = arguments.get(1, "attribute", None.NONE);
    Text.Builder out = new Text.Builder(budget);
    boolean first = true;
    for (Object item : Values.list(value, budget)) {
      Object part = attribute == None.NONE ? item : path(item, attribute, None.NONE);
      out.append(first ? Text.EMPTY : separator).append(Printer.str(part, budget));
      first = false;
    }
    return out.build();
  }

  private Object reverse(Object value) {
    if (value instanceof Text text) {
      return Slices.slice(text, None.NONE, None.NONE, -1L, budget);
    }
    List<Object> items = Values.list(value, budget);
    Collections.reverse(items);
    return value instanceof Iterator ? items : items.iterator();
  }

  private static Iterator<Object> items(Object value) {
    if (value instanceof Undefined) {
      return Collections.emptyIterator();
    }
    if (value instanceof Map<?, ?> map) {
      return Members.items(map).iterator();
    }
    throw new JinjaException("cannot get items of a " + Values.typeName(value));
  }

  private List<Object> dictSort(Object value, Arguments arguments) {
    if (!(value instanceof Map<?, ?> map)) {
      throw new JinjaException("cannot sort a " + Values.typeName(value) + " as a dict");
    }
    boolean caseSensitive = Values.truthy(arguments.get(0, "case_sensitive", false));
    boolean byValue = arguments.get(1, "by", Text.own("key")).toString().equals("value");
    return sorted(
        Members.items(map),
        pair -> folded(((Tuple) pair).get(byValue ? 1 : 0), caseSensitive),
        Values.truthy(arguments.get(2, "reverse", false)));
  }

  private List<Object> sort(Object value, Arguments arguments) {
    boolean caseSensitive = Values.truthy(arguments.get(1, "case_sensitive", false));
    Object attribute = arguments.get(2, "attribute", None.NONE);
    return sorted(
        Values.list(value, budget),
        item -> sortKey(item, attribute, caseSensitive),
        Values.truthy(arguments.get(0, "reverse", false)));
  }

  /** The values of attribute paths with commas between them, or the item itself. */
  private Tuple sortKey(Object item, Object attribute, boolean caseSensitive) {
    List<Object> key = new ArrayList<>();
    List<Object> paths = new ArrayList<>(List.of(attribute));
    if (attribute instanceof Text text) {
      paths = new ArrayList<>();
      for (String path : text.toString().split(",", -1)) {
        paths.add(Text.own(path));
      }
    }
    for (Object path : paths) {
      Object part = path == None.NONE ? item : path(item, path, None.NONE);
      key.add(folded(part, caseSensitive));
    }
    return new Tuple(key);
  }

  private List<Object> sorted(
      List<Object> items, Function<Object, Object> key, boolean descending) {
    Comparator<List<Object>> order = (a, b) -> Values.compare(a.getFirst(), b.getFirst(), budget);
    List<List<Object>> keyed = new ArrayList<>();
    for (Object item : items) {
      keyed.add(List.of(key.apply(item), item));
    }
    keyed.sort(descending ? order.reversed() : order);
    List<Object> sorted = new ArrayList<>();
    keyed.forEach(pair -> sorted.add(pair.getLast()));
    return sorted;
  }

  private static Object folded(Object value, boolean caseSensitive) {
    return !caseSensitive && value instanceof Text text
        ? Text.own(text.toString().toLowerCase(Locale.ROOT))
        : value;
  }

  private Iterator<Object> unique(Object value, Arguments arguments) {
    boolean caseSensitive = Values.truthy(arguments.get(0, "case_sensitive", false));
    Object attribute = arguments.get(1, "attribute", None.NONE);
    List<Object> seen = new ArrayList<>();
    List<Object> unique = new ArrayList<>();
    for (Object item : Values.list(value, budget)) {
      Object key =
          folded(attribute == None.NONE ? item : path(item, attribute, None.NONE), caseSensitive);
      if (!Values.contains(seen, Values.hashable(key), budget)) {
        seen.add(key);
        unique.add(item);
      }
    }
    return unique.iterator();
  }

  /** The first of the smallest items (sign 1) or of the largest (sign -1). */
  private Object extreme(Object value, Arguments arguments, int sign) {
    boolean caseSensitive = Values.truthy(arguments.get(0, "case_sensitive", false));
    Object attribute = arguments.get(1, "attribute", None.NONE);
    Object best = new Undefined("the sequence is empty");
    Object bestKey = best;
    for (Object item : Values.list(value, budget)) {
      Object key =
          folded(attribute == None.NONE ? item : path(item, attribute, None.NONE), caseSensitive);
      if (bestKey instanceof Undefined || sign * Values.compare(key, bestKey, budget) < 0) {
        best = item;
        bestKey = key;
      }
    }
    return best;
  }

  private Object sum(Object value, Arguments arguments) {
    Object attribute = arguments.get(0, "attribute", None.NONE);
    Object total = arguments.get(1, "start", 0L);
    for (Object item : Values.list(value, budget)) {
      Object part = attribute == None.NONE ? item : path(item, attribute, None.NONE);
      total = Operators.apply("+", total, part, budget);
    }
    return total;
  }

  private Iterator<Object> map(Object value, Arguments arguments) {
    List<Object> mapped = new ArrayList<>();
    boolean byAttribute =
        arguments.positional().isEmpty() && arguments.named().containsKey("attribute");
    for (Object item : listOrNone(value)) {
      mapped.add(
          byAttribute
              ? path(
                  item,
                  arguments.get(0, "attribute", None.NONE),
                  arguments.get(1, "default", None.NONE))
              : filters.apply(arguments.require(0, "filter").toString(), item, arguments.from(1)));
    }
    return mapped.iterator();
  }

  private Iterator<Object> selectByAttribute(Object value, Arguments arguments, boolean wanted) {
    Object attribute = arguments.require(0, "attribute");
    return select(value, item -> path(item, attribute, None.NONE), arguments.from(1), wanted);
  }

  private Iterator<Object> select(
      Object value, Function<Object, Object> subject, Arguments arguments, boolean wanted) {
    Predicate<Object> test =
        arguments.positional().isEmpty()
            ? Values::truthy
            : item ->
                tests.check(arguments.positional().getFirst().toString(), item, arguments.from(1));
    List<Object> selected = new ArrayList<>();
    for (Object item : listOrNone(value)) {
      if (test.test(subject.apply(item)) == wanted) {
        selected.add(item);
      }
    }
    return selected.iterator();
  }

  /** The items of a value; anything false counts as empty, as in the reference. */
  private List<Object> listOrNone(Object value) {
    return Values.truthy(value) ? Values.list(value, budget) : List.of();
  }

  /** The value at a path such as {@code function.name} or {@code 0}. */
  private Object path(Object item, Object path, Object defaultValue) {
    if (!(path instanceof Text text)) {
      return members.item(item, path);
    }
    Object value = item;
    for (String part : text.toString().split("\\.", -1)) {
      boolean isIndex = !part.isEmpty() && part.chars().allMatch(c -> c >= '0' && c <= '9');
      Object index =
          isIndex
              ? PyNumbers.parseInteger(part, 10).map(Object.class::cast).orElse(Text.own(part))
              : Text.own(part);
      value = members.item(value, index);
      if (value instanceof Undefined && defaultValue != None.NONE) {
        value = defaultValue;
      }
    }
    return value;
  }
}
