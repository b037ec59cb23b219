package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** Arithmetic of any two values. */
final class Operators {
  private Operators() {}

  static Object apply(String operator, Object left, Object right, Budget budget) {
    if (operator.equals("%") && left instanceof Text format) {
      return new PyFormat(budget).percent(format, right);
    }
    if (left instanceof Undefined undefined) {
      throw undefined.fault();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.fault();
    }
    if (PyNumbers.isNumber(left) && PyNumbers.isNumber(right)) {
      return PyNumbers.arithmetic(operator, left, right);
    }
    if (operator.equals("+") && left instanceof Text a && right instanceof Text b) {
      return added(a, b, budget);
    }
    if (operator.equals("+")
        && left instanceof List<?> a
        && right instanceof List<?> b
        && (a instanceof Tuple) == (b instanceof Tuple)) {
      return joined(a, b, budget);
    }
    if (operator.equals("*") && PyNumbers.isIntegral(right)) {
      return repeated(left, PyNumbers.integral(right), budget);
    }
    if (operator.equals("*") && PyNumbers.isIntegral(left)) {
      return repeated(right, PyNumbers.integral(left), budget);
    }
    throw unsupported(operator, left, right);
  }

  private static JinjaException unsupported(String operator, Object left, Object right) {
    return new JinjaException(
        "cannot use "
            + operator
            + " on a "
            + Values.typeName(left)
            + " and a "
            + Values.typeName(right));
  }

  private static Text added(Text left, Text right, Budget budget) {
    Text.Builder out = new Text.Builder(budget);
    return left.isMarkup() || right.isMarkup()
        ? out.append(left.escaped(budget)).append(right.escaped(budget)).build().asMarkup()
        : out.append(left).append(right).build();
  }

  private static Object joined(List<?> left, List<?> right, Budget budget) {
    budget.steps((long) left.size() + right.size());
    List<Object> joined = new ArrayList<>(left);
    joined.addAll(right);
    return left instanceof Tuple ? new Tuple(joined) : joined;
  }

  private static Object repeated(Object value, long times, Budget budget) {
    if (value instanceof Text text) {
      Text.Builder out = new Text.Builder(budget);
      for (long i = 0; i < times && !text.isEmpty(); i++) {
        out.append(text);
      }
      return out.build();
    }
    if (value instanceof List<?> list) {
      List<Object> out = new ArrayList<>();
      for (long i = 0; i < times && !list.isEmpty(); i++) {
        budget.steps(list.size());
        out.addAll(list);
      }
      return list instanceof Tuple ? new Tuple(out) : out;
    }
    throw unsupported("*", value, times);
  }

  /** {@code -value} or {@code +value}. */
  static Object signed(boolean negative, Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.fault();
    }
    if (!PyNumbers.isNumber(value)) {
      throw new JinjaException("a " + Values.typeName(value) + " has no sign");
    }
    if (value instanceof Double real) {
      return negative ? -real : real;
    }
    return PyNumbers.arithmetic(negative ? "-" : "+", 0L, value);
  }
}
