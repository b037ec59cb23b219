package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.kithlm.model.chat.jinja.Stmt.Target;
import org.kithlm.model.chat.jinja.Token.Kind;

/** Parses a whole template: text, expression tags and statement tags. */
final class TemplateParser {
  private static final Set<String> CONSTANTS =
      Set.of("true", "false", "none", "True", "False", "None");

  private final TokenStream stream;
  private final ExpressionParser expressions;
  private int loopDepth;

  private TemplateParser(TokenStream stream) {
    this.stream = stream;
    this.expressions = new ExpressionParser(stream);
  }

  static List<Stmt> parse(String template) {
    TemplateParser parser = new TemplateParser(new TokenStream(Lexer.tokens(template)));
    List<Stmt> statements = parser.statements();
    if (!parser.stream.at(Kind.END)) {
      throw parser.stream.fault("unexpected tag '" + parser.stream.current().text() + "'");
    }
    return statements;
  }

  /**
   * Statements up to the end of the template or a tag that closes or divides them, its opening read
   * and its name not.
   */
  private List<Stmt> statements(String... ends) {
    stream.enter();
    List<Stmt> statements = new ArrayList<>();
    while (!stream.at(Kind.END)) {
      Token token = stream.next();
      switch (token.kind()) {
        case DATA -> statements.add(new Stmt.Data(Text.own(token.text())));
        case VARIABLE_BEGIN -> {
          statements.add(new Stmt.Output(token.line(), expressions.tuple()));
          stream.expect(Kind.VARIABLE_END, "}}");
        }
        default -> {
          if (Set.of(ends).contains(stream.current().text())) {
            stream.exit();
            return statements;
          }
          statements.add(statement());
        }
      }
    }
    if (ends.length > 0) {
      throw stream.fault("the template ends before '" + ends[ends.length - 1] + "'");
    }
    stream.exit();
    return statements;
  }

  private Stmt statement() {
    Token name = stream.expect(Kind.NAME, "a statement");
    int line = name.line();
    Stmt statement =
        switch (name.text()) {
          case "if" -> ifStatement(line);
          case "for" -> forStatement(line);
          case "set" -> setStatement(line);
          case "macro" -> macro(line);
          case "call" -> callBlock(line);
          case "filter" -> new Stmt.FilterBlock(line, filterPipe(), bodyUntil("endfilter"));
          case "with" -> new Stmt.With(line, assignments(), bodyUntil("endwith"));
          case "generation" -> new Stmt.With(line, List.of(), bodyUntil("endgeneration"));
          case "print" -> new Stmt.Output(line, expressions.tuple());
          case "break" -> inLoop(new Stmt.Break());
          case "continue" -> inLoop(new Stmt.Continue());
          default ->
              throw new JinjaException("tag '" + name.text() + "' is unknown or out of place")
                  .at(line);
        };
    stream.expect(Kind.BLOCK_END, "%}");
    return statement;
  }

  private Stmt inLoop(Stmt statement) {
    if (loopDepth == 0) {
      throw stream.fault("break or continue outside of a loop");
    }
    return statement;
  }

  /** The rest of a tag's end, its body and the name of its end tag. */
  private List<Stmt> bodyUntil(String end) {
    List<Stmt> body = bodyBefore(end);
    stream.expectName(end);
    return body;
  }

  /** As {@link #bodyUntil}, the cursor left at the name that ended the body. */
  private List<Stmt> bodyBefore(String... ends) {
    stream.skipOperator(":"); // Jinja allows Python's colon
    stream.expect(Kind.BLOCK_END, "%}");
    return statements(ends);
  }

  private Stmt ifStatement(int line) {
    List<Stmt.Branch> branches = new ArrayList<>();
    do {
      Expr test = expressions.tupleWithoutInlineIf();
      branches.add(new Stmt.Branch(test, bodyBefore("elif", "else", "endif")));
    } while (stream.skipName("elif"));
    List<Stmt> otherwise = List.of();
    if (stream.skipName("else")) {
      otherwise = bodyBefore("endif");
    }
    stream.expectName("endif");
    return new Stmt.If(line, branches, otherwise);
  }

  private Stmt forStatement(int line) {
    Target target = target(false);
    stream.expectName("in");
    Expr items = expressions.tupleWithoutInlineIf();
    Optional<Expr> filter =
        stream.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    if (stream.atName("recursive")) {
      throw stream.fault("recursive loops are not supported");
    }
    loopDepth++;
    List<Stmt> body = bodyBefore("else", "endfor");
    loopDepth--;
    List<Stmt> otherwise = stream.skipName("else") ? bodyBefore("endfor") : List.of();
    stream.expectName("endfor");
    return new Stmt.For(line, target, items, filter, body, otherwise);
  }

  private Stmt setStatement(int line) {
    Target target = target(true);
    if (stream.skipOperator("=")) {
      return new Stmt.SetValue(line, target, expressions.tuple());
    }
    List<Expr.FilterCall> filters = stream.skipOperator("|") ? filterPipe() : List.of();
    return new Stmt.SetBlock(line, target, filters, bodyUntil("endset"));
  }

  private List<Expr.FilterCall> filterPipe() {
    List<Expr.FilterCall> filters = new ArrayList<>();
    do {
      filters.add(expressions.filter());
    } while (stream.skipOperator("|"));
    return filters;
  }

  private Stmt macro(int line) {
    String name = stream.expect(Kind.NAME, "a macro name").text();
    Stmt.Signature signature = signature();
    return new Stmt.MacroDefinition(line, name, signature, bodyOutsideLoops("endmacro"));
  }

  private Stmt callBlock(int line) {
    Stmt.Signature signature = stream.atOperator("(") ? signature() : new Stmt.Signature(List.of());
    if (!(expressions.expression() instanceof Expr.Call call)) {
      throw stream.fault("a call block needs a call");
    }
    return new Stmt.CallBlock(line, signature, call, bodyOutsideLoops("endcall"));
  }

  /** The body of a function: it cannot break out of a loop around its definition. */
  private List<Stmt> bodyOutsideLoops(String end) {
    int outer = loopDepth;
    loopDepth = 0;
    List<Stmt> body = bodyUntil(end);
    loopDepth = outer;
    return body;
  }

  private Stmt.Signature signature() {
    stream.expectOperator("(");
    List<Stmt.Parameter> parameters = new ArrayList<>();
    boolean defaults = false;
    while (!stream.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        stream.expectOperator(",");
      }
      String name = stream.expect(Kind.NAME, "a parameter").text();
      boolean hasDefault = stream.skipOperator("=");
      if (defaults && !hasDefault) {
        throw stream.fault("parameter '" + name + "' without a default follows one with");
      }
      defaults = hasDefault;
      parameters.add(
          new Stmt.Parameter(
              name, hasDefault ? Optional.of(expressions.expression()) : Optional.empty()));
    }
    return new Stmt.Signature(parameters);
  }

  private List<Stmt.Assignment> assignments() {
    List<Stmt.Assignment> assignments = new ArrayList<>();
    while (!stream.at(Kind.BLOCK_END)) {
      if (!assignments.isEmpty()) {
        stream.expectOperator(",");
      }
      Target target = target(false);
      stream.expectOperator("=");
      assignments.add(new Stmt.Assignment(target, expressions.expression()));
    }
    return assignments;
  }

  /** A target or several with commas between them. */
  private Target target(boolean members) {
    List<Target> targets = new ArrayList<>();
    do {
      if (!targets.isEmpty() && !stream.at(Kind.NAME) && !stream.atOperator("(")) {
        break; // a comma at the end
      }
      targets.add(oneTarget(members));
      if (!stream.atOperator(",")) {
        return targets.size() == 1 ? targets.getFirst() : new Target.Unpack(targets);
      }
    } while (stream.skipOperator(","));
    return new Target.Unpack(targets);
  }

  private Target oneTarget(boolean members) {
    if (stream.skipOperator("(")) {
      stream.enter();
      Target inner = target(members);
      stream.exit();
      stream.expectOperator(")");
      return inner;
    }
    Token name = stream.expect(Kind.NAME, "a variable to set");
    if (CONSTANTS.contains(name.text())) {
      throw stream.fault("cannot assign to " + name.text());
    }
    if (members && stream.skipOperator(".")) {
      return new Target.Member(name.text(), stream.expect(Kind.NAME, "an attribute").text());
    }
    return new Target.Variable(name.text());
  }
}
