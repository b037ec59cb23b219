package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** Items and slices of sequences with Python's negative indices. */
final class Slices {
  private Slices() {}

  /** {@code sequence[start:stop:step]}; {@link None} stands for a bound left out. */
  static Object slice(Object sequence, Object start, Object stop, Object step, Budget budget) {
    int by = step == None.NONE ? 1 : PyNumbers.count(step);
    if (by == 0) {
      throw new JinjaException("a slice step cannot be 0");
    }
    if (sequence instanceof Text text) {
      if (by == 1) {
        return run(text, start, stop);
      }
      Text.Builder joined = new Text.Builder(budget);
      for (Object c : pick(Values.characters(text, budget), start, stop, by, budget)) {
        joined.append((Text) c);
      }
      return joined.build();
    }
    if (sequence instanceof List<?> list) {
      List<Object> picked = pick(list, start, stop, by, budget);
      return list instanceof Tuple ? new Tuple(picked) : picked;
    }
    if (sequence instanceof Undefined undefined) {
      throw undefined.fault();
    }
    throw new JinjaException("a " + Values.typeName(sequence) + " cannot be sliced");
  }

  private static Text run(Text text, Object start, Object stop) {
    String value = text.toString();
    int length = value.codePointCount(0, value.length());
    int from = bound(start, length, 0);
    int to = Math.max(from, bound(stop, length, length));
    int fromUnit = value.offsetByCodePoints(0, from);
    return text.cut(fromUnit, value.offsetByCodePoints(fromUnit, to - from));
  }

  /** A bound of a forward slice, clamped to the sequence. */
  private static int bound(Object bound, int length, int absent) {
    if (bound == None.NONE) {
      return absent;
    }
    int index = PyNumbers.count(bound);
    return index < 0 ? Math.max(0, index + length) : Math.min(index, length);
  }

  private static List<Object> pick(
      List<?> list, Object start, Object stop, int step, Budget budget) {
    int length = list.size();
    List<Object> picked = new ArrayList<>();
    if (step > 0) {
      int to = bound(stop, length, length);
      for (long i = bound(start, length, 0); i < to; i += step) {
        budget.step();
        picked.add(list.get((int) i));
      }
    } else {
      int to = backwardBound(stop, length, -1);
      for (long i = backwardBound(start, length, length - 1); i > to; i += step) {
        budget.step();
        picked.add(list.get((int) i));
      }
    }
    return picked;
  }

  /** A bound of a backward slice: -1 means before the first item. */
  private static int backwardBound(Object bound, int length, int absent) {
    if (bound == None.NONE) {
      return absent;
    }
    int index = PyNumbers.count(bound);
    return index < 0 ? Math.max(-1, index + length) : Math.min(index, length - 1);
  }

  /** The item at an index, or undefined where the index is outside. */
  static Object item(Object sequence, Object index) {
    long at = PyNumbers.integral(index);
    if (sequence instanceof Text text) {
      int length = (int) Values.length(text);
      long from = at < 0 ? at + length : at;
      return from < 0 || from >= length ? outside(at) : run(text, from, from + 1);
    }
    List<?> list = (List<?>) sequence;
    long from = at < 0 ? at + list.size() : at;
    return from < 0 || from >= list.size() ? outside(at) : list.get((int) from);
  }

  private static Undefined outside(long index) {
    return new Undefined("there is no item " + index);
  }
}
