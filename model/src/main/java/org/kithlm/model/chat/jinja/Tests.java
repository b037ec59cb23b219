package org.kithlm.model.chat.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** The tests after {@code is}. */
final class Tests {
  private final Budget budget;

  Tests(Budget budget) {
    this.budget = budget;
  }

  boolean check(String name, Object value, Arguments arguments) {
    budget.read(value);
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == None.NONE;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "number" -> PyNumbers.isNumber(value);
      case "string" -> value instanceof Text;
      case "mapping" -> value instanceof Map;
      case "sequence" -> isSized(value);
      case "iterable" -> isSized(value) || value instanceof Iterator;
      case "callable" -> value instanceof Callable || value instanceof Undefined;
      case "lower" -> PyStrings.isCase(Printer.str(value, budget).toString(), false);
      case "upper" -> PyStrings.isCase(Printer.str(value, budget).toString(), true);
      case "odd" -> remainder(value, 2L).equals(1L);
      case "even" -> remainder(value, 2L).equals(0L);
      case "divisibleby" -> remainder(value, arguments.require(0, "num")).equals(0L);
      case "in" -> Values.contains(arguments.require(0, "seq"), value, budget);
      case "sameas" -> same(value, arguments.require(0, "other"));
      case "escaped" -> false;
      default -> compares(name, value, arguments);
    };
  }

  private boolean compares(String name, Object value, Arguments arguments) {
    String operator =
        switch (name) {
          case "eq", "equalto", "==" -> "==";
          case "ne", "!=" -> "!=";
          case "lt", "lessthan", "<" -> "<";
          case "le", "<=" -> "<=";
          case "gt", "greaterthan", ">" -> ">";
          case "ge", ">=" -> ">=";
          default -> throw new JinjaException("test '" + name + "' is unknown");
        };
    return compare(operator, value, arguments.require(0, "other"));
  }

  /** {@code left operator right} for the comparison operators. */
  boolean compare(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> Values.equal(left, right, budget);
      case "!=" -> !Values.equal(left, right, budget);
      case "in" -> Values.contains(right, left, budget);
      case "not in" -> !Values.contains(right, left, budget);
      default -> !isNan(left) && !isNan(right) && ordered(operator, left, right);
    };
  }

  private boolean ordered(String operator, Object left, Object right) {
    int order =
        Values.equal(left, right, budget) && PyNumbers.isNumber(left)
            ? 0 // also 0.0 and -0.0
            : Values.compare(left, right, budget);
    return switch (operator) {
      case "<" -> order < 0;
      case "<=" -> order <= 0;
      case ">" -> order > 0;
      default -> order >= 0;
    };
  }

  private static boolean isNan(Object value) {
    return value instanceof Double real && real.isNaN();
  }

  private static boolean isSized(Object value) {
    return value instanceof Text
        || value instanceof List
        || value instanceof Map
        || value instanceof Undefined;
  }

  /** {@code value % by}, whole numbers of floats as ints. */
  private Object remainder(Object value, Object by) {
    Object rest = Operators.apply("%", value, by, budget);
    return rest instanceof Double real && real == Math.rint(real)
        ? (Object) real.longValue()
        : rest;
  }

  /** Identity, which for immutable scalars is equality of type and value. */
  @SuppressWarnings("ReferenceEquality") // identity is what the test asks for
  private static boolean same(Object left, Object right) {
    boolean scalar = left instanceof Text || PyNumbers.isNumber(left) || left instanceof Undefined;
    return left == right || (scalar && left.getClass() == right.getClass() && left.equals(right));
  }
}
