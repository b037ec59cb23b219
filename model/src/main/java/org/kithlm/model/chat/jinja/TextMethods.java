package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods of Python's str that templates use. */
final class TextMethods {
  private final Budget budget;

  TextMethods(Budget budget) {
    this.budget = budget;
  }

  /** The bound method of a name, if there is one. */
  Optional<Callable> find(Text self, String name) {
    return Optional.ofNullable(method(self, name));
  }

  private @Nullable Callable method(Text self, String name) {
    return switch (name) {
      case "strip" -> a -> strip(self, a.get(0, "chars", None.NONE), true, true);
      case "lstrip" -> a -> strip(self, a.get(0, "chars", None.NONE), true, false);
      case "rstrip" -> a -> strip(self, a.get(0, "chars", None.NONE), false, true);
      case "startswith" -> a -> matches(self, a, true);
      case "endswith" -> a -> matches(self, a, false);
      case "removeprefix" -> a -> removed(self, argument(a, 0), true);
      case "removesuffix" -> a -> removed(self, argument(a, 0), false);
      case "split" -> a -> split(self, a, false);
      case "rsplit" -> a -> split(self, a, true);
      case "splitlines" -> a -> lines(self, Values.truthy(a.get(0, "keepends", false)));
      case "partition" -> a -> partition(self, argument(a, 0), false);
      case "rpartition" -> a -> partition(self, argument(a, 0), true);
      case "replace" ->
          a -> replace(self, argument(a, 0), argument(a, 1), countOf(a.get(2, "count", None.NONE)));
      case "join" -> a -> join(self, Values.iterate(a.require(0, "iterable"), budget));
      case "find" -> a -> find(self, argument(a, 0), false);
      case "rfind" -> a -> find(self, argument(a, 0), true);
      case "index" -> a -> index(self, argument(a, 0));
      case "count" -> a -> count(self, argument(a, 0));
      case "upper" -> a -> self.changedTo(self.toString().toUpperCase(Locale.ROOT));
      case "lower" -> a -> self.changedTo(self.toString().toLowerCase(Locale.ROOT));
      case "title" -> a -> self.changedTo(PyStrings.title(self.toString()));
      case "capitalize" -> a -> self.changedTo(PyStrings.capitalize(self.toString()));
      case "isupper" -> a -> PyStrings.isCase(self.toString(), true);
      case "islower" -> a -> PyStrings.isCase(self.toString(), false);
      case "isspace" -> a -> all(self, PyStrings::isSpace);
      case "isdigit" -> a -> all(self, Character::isDigit);
      case "isalpha" -> a -> all(self, Character::isLetter);
      case "isalnum" -> a -> all(self, Character::isLetterOrDigit);
      case "format" -> a -> new PyFormat(budget).format(self, a);
      default -> null;
    };
  }

  private static Text argument(Arguments arguments, int index) {
    Object value = arguments.require(index, "argument " + (index + 1));
    if (value instanceof Text text) {
      return text;
    }
    throw value instanceof Undefined undefined
        ? undefined.fault()
        : new JinjaException("expected a str, got a " + Values.typeName(value));
  }

  private static int countOf(Object count) {
    int value = count == None.NONE ? -1 : PyNumbers.count(count);
    return value < 0 ? Integer.MAX_VALUE : value;
  }

  private static boolean all(Text text, IntPredicate test) {
    return !text.isEmpty() && text.toString().codePoints().allMatch(test);
  }

  /** Without leading or trailing characters of a set; {@link None} means whitespace. */
  static Text strip(Text self, Object characters, boolean left, boolean right) {
    String value = self.toString();
    if (characters instanceof Text set && set.isEmpty()) {
      return self;
    }
    if (characters != None.NONE && !(characters instanceof Text)) {
      throw new JinjaException("expected a str of characters to strip");
    }
    String set = characters instanceof Text text ? text.toString() : "";
    int end = right ? PyStrings.stripEnd(value, set) : value.length();
    int start = left ? Math.min(end, PyStrings.stripStart(value, set)) : 0;
    return self.cut(start, end);
  }

  private static boolean matches(Text self, Arguments arguments, boolean start) {
    Object affix = arguments.require(0, start ? "prefix" : "suffix");
    List<?> candidates = affix instanceof Tuple tuple ? tuple : List.of(affix);
    String value = self.toString();
    boolean found = false;
    for (Object candidate : candidates) {
      Text text = argument(new Arguments(List.of(candidate), arguments.named()), 0);
      found |= start ? value.startsWith(text.toString()) : value.endsWith(text.toString());
    }
    return found;
  }

  private static Text removed(Text self, Text affix, boolean prefix) {
    String value = self.toString();
    if (prefix) {
      return value.startsWith(affix.toString()) ? self.cut(affix.length(), self.length()) : self;
    }
    return value.endsWith(affix.toString()) ? self.cut(0, self.length() - affix.length()) : self;
  }

  private List<Object> lines(Text self, boolean keepEnds) {
    budget.steps(self.length());
    return new ArrayList<>(PyStrings.lines(self, keepEnds));
  }

  private List<Object> split(Text self, Arguments arguments, boolean fromRight) {
    arguments.atMost(2, "split");
    budget.steps(self.length());
    int countMax = countOf(arguments.get(1, "maxsplit", None.NONE));
    Object separator = arguments.get(0, "sep", None.NONE);
    if (separator == None.NONE) {
      return fromRight ? rsplitBySpace(self, countMax) : splitBySpace(self, countMax);
    }
    Text mark = argument(new Arguments(List.of(separator), arguments.named()), 0);
    if (mark.isEmpty()) {
      throw new JinjaException("cannot split by an empty separator");
    }
    budget.search(self, mark);
    return fromRight
        ? rsplitBy(self, mark.toString(), countMax)
        : splitBy(self, mark.toString(), countMax);
  }

  private static List<Object> splitBy(Text self, String mark, int countMax) {
    List<Object> parts = new ArrayList<>();
    String value = self.toString();
    int start = 0;
    for (int at = value.indexOf(mark);
        at >= 0 && parts.size() < countMax;
        at = value.indexOf(mark, start)) {
      parts.add(self.cut(start, at));
      start = at + mark.length();
    }
    parts.add(self.cut(start, value.length()));
    return parts;
  }

  private static List<Object> rsplitBy(Text self, String mark, int countMax) {
    List<Object> parts = new ArrayList<>();
    String value = self.toString();
    int end = value.length();
    while (parts.size() < countMax) {
      int at = end < mark.length() ? -1 : value.lastIndexOf(mark, end - mark.length());
      if (at < 0) {
        break;
      }
      parts.add(self.cut(at + mark.length(), end));
      end = at;
    }
    parts.add(self.cut(0, end));
    Collections.reverse(parts);
    return parts;
  }

  private static List<Object> splitBySpace(Text self, int countMax) {
    List<Object> parts = new ArrayList<>();
    String value = self.toString();
    int at = PyStrings.stripStart(value, "");
    while (at < value.length()) {
      int end = at;
      if (parts.size() == countMax) {
        parts.add(self.cut(at, value.length()));
        break;
      }
      while (end < value.length() && !PyStrings.isSpace(value.charAt(end))) {
        end++;
      }
      parts.add(self.cut(at, end));
      at = end;
      while (at < value.length() && PyStrings.isSpace(value.charAt(at))) {
        at++;
      }
    }
    return parts;
  }

  private static List<Object> rsplitBySpace(Text self, int countMax) {
    List<Object> parts = new ArrayList<>();
    String value = self.toString();
    int at = PyStrings.stripEnd(value, "");
    while (at > 0) {
      if (parts.size() == countMax) {
        parts.add(self.cut(0, at));
        break;
      }
      int start = at;
      while (start > 0 && !PyStrings.isSpace(value.charAt(start - 1))) {
        start--;
      }
      parts.add(self.cut(start, at));
      at = start;
      while (at > 0 && PyStrings.isSpace(value.charAt(at - 1))) {
        at--;
      }
    }
    Collections.reverse(parts);
    return parts;
  }

  private Tuple partition(Text self, Text mark, boolean last) {
    if (mark.isEmpty()) {
      throw new JinjaException("cannot split by an empty separator");
    }
    budget.search(self, mark);
    String value = self.toString();
    int at = last ? value.lastIndexOf(mark.toString()) : value.indexOf(mark.toString());
    if (at < 0) {
      return last ? Tuple.of(Text.EMPTY, Text.EMPTY, self) : Tuple.of(self, Text.EMPTY, Text.EMPTY);
    }
    int end = at + mark.length();
    return Tuple.of(self.cut(0, at), self.cut(at, end), self.cut(end, value.length()));
  }

  /** The first {@code countMax} occurrences replaced; an empty one is found between characters. */
  Text replace(Text self, Text old, Text replacement, int countMax) {
    String value = self.toString();
    String wanted = old.toString();
    budget.search(self, old);
    Text.Builder out = new Text.Builder(budget);
    int start = 0;
    int from = 0;
    for (int count = 0; count < countMax; count++) {
      int at = value.indexOf(wanted, from);
      if (at < 0 || from > value.length()) {
        break;
      }
      budget.step();
      out.append(self.cut(start, at)).append(replacement);
      start = at + wanted.length();
      from =
          !wanted.isEmpty()
              ? start
              : at == value.length() ? at + 1 : at + Character.charCount(value.codePointAt(at));
    }
    return out.append(self.cut(start, value.length())).build();
  }

  private Text join(Text self, Iterator<Object> items) {
    Text.Builder out = new Text.Builder(budget);
    for (boolean first = true; items.hasNext(); first = false) {
      Object item = items.next();
      if (!(item instanceof Text text)) {
        throw new JinjaException("can only join str, got a " + Values.typeName(item));
      }
      budget.step();
      out.append(first ? Text.EMPTY : self).append(text);
    }
    return out.build();
  }

  private long find(Text self, Text part, boolean last) {
    budget.search(self, part);
    String value = self.toString();
    int at = last ? value.lastIndexOf(part.toString()) : value.indexOf(part.toString());
    return at < 0 ? -1 : value.codePointCount(0, at);
  }

  private long index(Text self, Text part) {
    long at = find(self, part, false);
    if (at < 0) {
      throw new JinjaException("substring not found");
    }
    return at;
  }

  private long count(Text self, Text part) {
    budget.search(self, part);
    return part.isEmpty()
        ? Values.length(self) + 1
        : splitBy(self, part.toString(), Integer.MAX_VALUE).size() - 1;
  }
}
