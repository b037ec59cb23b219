package org.kithlm.model.chat.jinja;

import java.util.List;
import java.util.Optional;

/** Expressions. An absent part (a slice bound, an else) is an empty {@link Optional}. */
sealed interface Expr {
  /** A constant value. */
  record Literal(Object value) implements Expr {}

  /** A variable. */
  record Name(String name) implements Expr {}

  /** {@code target.name}. */
  record Attribute(Expr target, String name) implements Expr {}

  /** {@code target[index]}. */
  record Item(Expr target, Expr index) implements Expr {}

  /** {@code target[start:stop:step]}. */
  record Slice(Expr target, Optional<Expr> start, Optional<Expr> stop, Optional<Expr> step)
      implements Expr {}

  /** {@code callee(arguments)}. */
  record Call(Expr callee, CallArguments arguments) implements Expr {}

  /** {@code input | name(arguments)}. */
  record Filter(Expr input, FilterCall call) implements Expr {}

  /** A filter without its input, as filter blocks have it too. */
  record FilterCall(String name, CallArguments arguments) {}

  /** {@code input is name(arguments)}. */
  record Test(Expr input, String name, CallArguments arguments) implements Expr {}

  /** {@code -operand} or {@code +operand}. */
  record Sign(boolean negative, Expr operand) implements Expr {}

  /** {@code not operand}. */
  record Not(Expr operand) implements Expr {}

  /** Arithmetic of two operands. */
  record Binary(String operator, Expr left, Expr right) implements Expr {}

  /** {@code and} or {@code or}; the value is that of an operand. */
  record Logic(boolean isAnd, Expr left, Expr right) implements Expr {}

  /** A chain such as {@code a < b <= c}: true if each neighbouring pair compares so. */
  record Compare(Expr first, List<Comparison> rest) implements Expr {}

  /**
   * One link of a chain.
   *
   * @param operator ==, !=, <, <=, >, >=, in, not in
   * @param right what is compared with the operand before
   */
  record Comparison(String operator, Expr right) {}

  /** {@code a ~ b ~ c}. */
  record Concat(List<Expr> parts) implements Expr {}

  /** {@code then if test else otherwise}. */
  record Conditional(Expr test, Expr then, Optional<Expr> otherwise) implements Expr {}

  /** {@code [a, b]}. */
  record ListLiteral(List<Expr> items) implements Expr {}

  /** {@code (a, b)}. */
  record TupleLiteral(List<Expr> items) implements Expr {}

  /** {@code {a: b}}. */
  record DictLiteral(List<Entry> entries) implements Expr {}

  /** A key and its value. */
  record Entry(Expr key, Expr value) {}

  /** Arguments as written. */
  record CallArguments(List<Expr> positional, List<Named> named) {
    static final CallArguments NONE = new CallArguments(List.of(), List.of());
  }

  /** {@code name=value}. */
  record Named(String name, Expr value) {}
}
