package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.kithlm.model.chat.jinja.Token.Kind;

/**
 * Parses expressions. From loose to tight: inline if, or, and, not, comparison and in, + and -, ~,
 * * / // %, ** (from the left, as in Jinja), sign, then attributes, items, calls, filters and
 * tests.
 */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenStream stream;

  ExpressionParser(TokenStream stream) {
    this.stream = stream;
  }

  /** An expression. */
  Expr expression() {
    stream.enter();
    Expr value = or();
    while (stream.skipName("if")) {
      Expr test = or();
      Optional<Expr> otherwise =
          stream.skipName("else") ? Optional.of(expression()) : Optional.empty();
      value = new Expr.Conditional(test, value, otherwise);
    }
    stream.exit();
    return value;
  }

  /** An expression, or several with commas between them as a tuple. */
  Expr tuple() {
    return tupleOf(true);
  }

  /** As {@link #tuple}, but leaves an inline {@code if} alone, as conditions and loops need. */
  Expr tupleWithoutInlineIf() {
    return tupleOf(false);
  }

  private Expr tupleOf(boolean inlineIf) {
    List<Expr> items = new ArrayList<>();
    boolean isTuple = false;
    while (!atTupleEnd()) {
      items.add(inlineIf ? expression() : or());
      if (!stream.skipOperator(",")) {
        break;
      }
      isTuple = true;
    }
    if (isTuple) {
      return new Expr.TupleLiteral(items);
    }
    if (items.isEmpty()) {
      throw stream.fault("expected an expression, got " + stream.current().describe());
    }
    return items.getFirst();
  }

  private boolean atTupleEnd() {
    return stream.at(Kind.VARIABLE_END) || stream.at(Kind.BLOCK_END) || stream.atOperator(")");
  }

  private Expr or() {
    Expr left = and();
    while (stream.skipName("or")) {
      left = new Expr.Logic(false, left, and());
    }
    return left;
  }

  private Expr and() {
    Expr left = not();
    while (stream.skipName("and")) {
      left = new Expr.Logic(true, left, not());
    }
    return left;
  }

  private Expr not() {
    if (!stream.skipName("not")) {
      return comparison();
    }
    stream.enter();
    Expr operand = not();
    stream.exit();
    return new Expr.Not(operand);
  }

  private Expr comparison() {
    Expr first = sum();
    List<Expr.Comparison> rest = new ArrayList<>();
    while (true) {
      String operator = comparisonOperator();
      if (operator.isEmpty()) {
        return rest.isEmpty() ? first : new Expr.Compare(first, rest);
      }
      rest.add(new Expr.Comparison(operator, sum()));
    }
  }

  /** The comparison operator at the cursor, moving past it, or an empty string. */
  private String comparisonOperator() {
    Token token = stream.current();
    if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
      return stream.next().text();
    }
    if (stream.skipName("in")) {
      return "in";
    }
    if (stream.atName("not") && stream.peek().is(Kind.NAME, "in")) {
      stream.next();
      stream.next();
      return "not in";
    }
    return "";
  }

  private Expr sum() {
    Expr left = concat();
    while (stream.atOperator("+") || stream.atOperator("-")) {
      left = new Expr.Binary(stream.next().text(), left, concat());
    }
    return left;
  }

  private Expr concat() {
    Expr first = product();
    if (!stream.atOperator("~")) {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (stream.skipOperator("~")) {
      parts.add(product());
    }
    return new Expr.Concat(parts);
  }

  private Expr product() {
    Expr left = power();
    while (stream.atOperator("*")
        || stream.atOperator("/")
        || stream.atOperator("//")
        || stream.atOperator("%")) {
      left = new Expr.Binary(stream.next().text(), left, power());
    }
    return left;
  }

  private Expr power() {
    Expr left = unary(true);
    while (stream.atOperator("**")) {
      left = new Expr.Binary(stream.next().text(), left, unary(true));
    }
    return left;
  }

  private Expr unary(boolean withFilters) {
    Expr value;
    if (stream.atOperator("-") || stream.atOperator("+")) {
      boolean negative = stream.next().text().equals("-");
      stream.enter();
      value = new Expr.Sign(negative, unary(false));
      stream.exit();
    } else {
      value = primary();
    }
    value = postfix(value);
    return withFilters ? filtersAndTests(value) : value;
  }

  private Expr primary() {
    Token token = stream.next();
    return switch (token.kind()) {
      case NAME ->
          switch (token.text()) {
            case "true", "True" -> new Expr.Literal(true);
            case "false", "False" -> new Expr.Literal(false);
            case "none", "None" -> new Expr.Literal(None.NONE);
            default -> new Expr.Name(token.text());
          };
      case STRING -> {
        StringBuilder joined = new StringBuilder(token.text());
        while (stream.at(Kind.STRING)) {
          joined.append(stream.next().text());
        }
        yield new Expr.Literal(Text.own(joined.toString()));
      }
      case INTEGER -> new Expr.Literal(integer(token));
      case FLOAT -> new Expr.Literal(Double.parseDouble(token.text().replace("_", "")));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parenthesized();
            case "[" -> new Expr.ListLiteral(list());
            case "{" -> dict();
            default -> throw unexpected(token);
          };
      default -> throw unexpected(token);
    };
  }

  private static JinjaException unexpected(Token token) {
    return new JinjaException("unexpected " + token.describe()).at(token.line());
  }

  private static long integer(Token token) {
    String digits = token.text().replace("_", "");
    try {
      return switch (digits.length() > 1 ? Character.toLowerCase(digits.charAt(1)) : '0') {
        case 'b' -> Long.parseLong(digits.substring(2), 2);
        case 'o' -> Long.parseLong(digits.substring(2), 8);
        case 'x' -> Long.parseLong(digits.substring(2), 16);
        default -> Long.parseLong(digits);
      };
    } catch (NumberFormatException e) {
      throw new JinjaException("integer " + token.text() + " is too large").at(token.line());
    }
  }

  private Expr parenthesized() {
    if (stream.skipOperator(")")) {
      return new Expr.TupleLiteral(List.of());
    }
    Expr inner = tuple();
    stream.expectOperator(")");
    return inner;
  }

  private List<Expr> list() {
    List<Expr> items = new ArrayList<>();
    while (!stream.skipOperator("]")) {
      if (!items.isEmpty()) {
        stream.expectOperator(",");
        if (stream.skipOperator("]")) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expr dict() {
    List<Expr.Entry> entries = new ArrayList<>();
    while (!stream.skipOperator("}")) {
      if (!entries.isEmpty()) {
        stream.expectOperator(",");
        if (stream.skipOperator("}")) {
          break;
        }
      }
      Expr key = expression();
      stream.expectOperator(":");
      entries.add(new Expr.Entry(key, expression()));
    }
    return new Expr.DictLiteral(entries);
  }

  private Expr postfix(Expr start) {
    Expr value = start;
    while (true) {
      if (stream.skipOperator(".")) {
        Token token = stream.next();
        value =
            switch (token.kind()) {
              case NAME -> new Expr.Attribute(value, token.text());
              case INTEGER -> new Expr.Item(value, new Expr.Literal(integer(token)));
              default -> throw unexpected(token);
            };
      } else if (stream.skipOperator("[")) {
        value = subscript(value);
      } else if (stream.atOperator("(")) {
        value = new Expr.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expr subscript(Expr target) {
    Optional<Expr> start = stream.atOperator(":") ? Optional.empty() : Optional.of(expression());
    if (start.isPresent() && stream.skipOperator("]")) {
      return new Expr.Item(target, start.get());
    }
    stream.expectOperator(":");
    Optional<Expr> stop = sliceBound();
    Optional<Expr> step = stream.skipOperator(":") ? sliceBound() : Optional.empty();
    stream.expectOperator("]");
    return new Expr.Slice(target, start, stop, step);
  }

  private Optional<Expr> sliceBound() {
    return stream.atOperator(":") || stream.atOperator("]")
        ? Optional.empty()
        : Optional.of(expression());
  }

  private Expr filtersAndTests(Expr start) {
    Expr value = start;
    while (true) {
      if (stream.skipOperator("|")) {
        value = new Expr.Filter(value, filter());
      } else if (stream.skipName("is")) {
        value = test(value);
      } else if (stream.atOperator("(")) {
        value = new Expr.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  /** A filter's name and arguments, the cursor being after its bar. */
  Expr.FilterCall filter() {
    String name = stream.expect(Kind.NAME, "a filter").text();
    return new Expr.FilterCall(
        name, stream.atOperator("(") ? arguments() : Expr.CallArguments.NONE);
  }

  private Expr test(Expr input) {
    boolean negated = stream.skipName("not");
    String name = stream.expect(Kind.NAME, "a test").text();
    Expr.CallArguments arguments = Expr.CallArguments.NONE;
    if (stream.atOperator("(")) {
      arguments = arguments();
    } else if (atTestOperand()) {
      arguments = new Expr.CallArguments(List.of(postfix(primary())), List.of());
    }
    Expr test = new Expr.Test(input, name, arguments);
    return negated ? new Expr.Not(test) : test;
  }

  /** Whether a test's one argument follows without parentheses. */
  private boolean atTestOperand() {
    Token token = stream.current();
    return switch (token.kind()) {
      case NAME -> {
        if (token.text().equals("is")) {
          throw stream.fault("tests cannot be chained with is");
        }
        yield !Set.of("else", "or", "and").contains(token.text());
      }
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }

  /** Arguments in parentheses. */
  Expr.CallArguments arguments() {
    stream.expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    List<Expr.Named> named = new ArrayList<>();
    boolean first = true;
    while (!stream.skipOperator(")")) {
      if (!first) {
        stream.expectOperator(",");
        if (stream.skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (stream.at(Kind.NAME) && stream.peek().is(Kind.OPERATOR, "=")) {
        String name = stream.next().text();
        stream.next();
        named.add(new Expr.Named(name, expression()));
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw stream.fault("a positional argument follows a named one");
      }
    }
    return new Expr.CallArguments(positional, named);
  }
}
