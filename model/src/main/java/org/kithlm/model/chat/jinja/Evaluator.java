package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Computes expressions. */
final class Evaluator {
  private final Budget budget;
  private final Members members;
  private final Tests tests;
  private final Filters filters;

  Evaluator(Budget budget) {
    this.budget = budget;
    this.members = new Members(budget);
    this.tests = new Tests(budget);
    this.filters = new Filters(budget, members, tests);
  }

  Object value(Expr expression, Scope scope) {
    budget.enter();
    Object value =
        switch (expression) {
          case Expr.Literal literal -> literal.value();
          case Expr.Name name -> scope.get(name.name());
          case Expr.Attribute attribute ->
              members.attribute(value(attribute.target(), scope), attribute.name());
          case Expr.Item item ->
              members.item(value(item.target(), scope), value(item.index(), scope));
          case Expr.Slice slice -> slice(slice, scope);
          case Expr.Call call ->
              call(value(call.callee(), scope), arguments(call.arguments(), scope));
          case Expr.Filter filter -> filtered(filter.call(), value(filter.input(), scope), scope);
          case Expr.Test test ->
              tests.check(
                  test.name(), value(test.input(), scope), arguments(test.arguments(), scope));
          case Expr.Sign sign -> Operators.signed(sign.negative(), value(sign.operand(), scope));
          case Expr.Not not -> !Values.truthy(value(not.operand(), scope));
          case Expr.Binary binary ->
              Operators.apply(
                  binary.operator(),
                  value(binary.left(), scope),
                  value(binary.right(), scope),
                  budget);
          case Expr.Logic logic -> {
            Object left = value(logic.left(), scope);
            yield Values.truthy(left) == logic.isAnd() ? value(logic.right(), scope) : left;
          }
          case Expr.Compare compare -> compare(compare, scope);
          case Expr.Concat concat -> concat(concat, scope);
          case Expr.Conditional conditional -> conditional(conditional, scope);
          case Expr.ListLiteral list -> values(list.items(), scope);
          case Expr.TupleLiteral tuple -> new Tuple(values(tuple.items(), scope));
          case Expr.DictLiteral dict -> dict(dict, scope);
        };
    budget.read(value);
    budget.exit();
    return value;
  }

  /** The result of a filter on a value. */
  Object filtered(Expr.FilterCall filter, Object input, Scope scope) {
    return filters.apply(filter.name(), input, arguments(filter.arguments(), scope));
  }

  /** The result of calling a value. */
  Object call(Object callee, Arguments arguments) {
    return switch (callee) {
      case Callable callable -> callable.call(arguments);
      case Undefined undefined -> throw undefined.fault();
      default -> throw new JinjaException("a " + Values.typeName(callee) + " cannot be called");
    };
  }

  Arguments arguments(Expr.CallArguments written, Scope scope) {
    if (written.positional().isEmpty() && written.named().isEmpty()) {
      return Arguments.NONE;
    }
    Map<String, Object> named = new LinkedHashMap<>();
    List<Object> positional = values(written.positional(), scope);
    for (Expr.Named argument : written.named()) {
      named.put(argument.name(), value(argument.value(), scope));
    }
    return new Arguments(positional, named);
  }

  private List<Object> values(List<Expr> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expr expression : expressions) {
      values.add(value(expression, scope));
    }
    return values;
  }

  private Object slice(Expr.Slice slice, Scope scope) {
    return Slices.slice(
        value(slice.target(), scope),
        bound(slice.start(), scope),
        bound(slice.stop(), scope),
        bound(slice.step(), scope),
        budget);
  }

  private Object bound(Optional<Expr> bound, Scope scope) {
    return bound.isPresent() ? value(bound.get(), scope) : None.NONE;
  }

  private Object compare(Expr.Compare compare, Scope scope) {
    Object left = value(compare.first(), scope);
    for (Expr.Comparison link : compare.rest()) {
      Object right = value(link.right(), scope);
      if (!tests.compare(link.operator(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  private Text concat(Expr.Concat concat, Scope scope) {
    Text.Builder out = new Text.Builder(budget);
    for (Expr part : concat.parts()) {
      out.append(Printer.str(value(part, scope), budget));
    }
    return out.build();
  }

  private Object conditional(Expr.Conditional conditional, Scope scope) {
    if (Values.truthy(value(conditional.test(), scope))) {
      return value(conditional.then(), scope);
    }
    return conditional.otherwise().isPresent()
        ? value(conditional.otherwise().get(), scope)
        : new Undefined("an inline if without else was false");
  }

  private Map<Object, Object> dict(Expr.DictLiteral dict, Scope scope) {
    Map<Object, Object> entries = new LinkedHashMap<>();
    for (Expr.Entry entry : dict.entries()) {
      entries.put(Values.key(value(entry.key(), scope)), value(entry.value(), scope));
    }
    return entries;
  }
}
