package org.kithlm.model.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.kithlm.model.chat.jinja.Stmt.Target;

/** Runs statements and collects what they print. */
final class Renderer {
  /** How a list of statements ended. */
  private enum Exit {
    NORMAL,
    BREAK,
    CONTINUE
  }

  private final Budget budget;
  private final Evaluator evaluator;
  private Text.Builder out;
  private int line;

  Renderer(Budget budget) {
    this.budget = budget;
    this.evaluator = new Evaluator(budget);
    this.out = new Text.Builder(budget);
  }

  /** What statements print. */
  Text render(List<Stmt> statements, Scope scope) {
    try {
      return captured(statements, scope);
    } catch (JinjaException fault) {
      throw fault.at(line);
    }
  }

  private Text captured(List<Stmt> statements, Scope scope) {
    Text.Builder outer = out;
    out = new Text.Builder(budget);
    run(statements, scope);
    Text text = out.build();
    out = outer;
    return text;
  }

  private Exit run(List<Stmt> statements, Scope scope) {
    budget.enter();
    Exit exit = Exit.NORMAL;
    for (int i = 0; exit == Exit.NORMAL && i < statements.size(); i++) {
      budget.step();
      exit = run(statements.get(i), scope);
    }
    budget.exit();
    return exit;
  }

  private Exit run(Stmt statement, Scope scope) {
    Exit exit = Exit.NORMAL;
    switch (statement) {
      case Stmt.Data data -> out.append(data.text());
      case Stmt.Output output -> {
        line = output.line();
        out.append(Printer.str(evaluator.value(output.value(), scope), budget));
      }
      case Stmt.If branches -> exit = branch(branches, scope);
      case Stmt.For loop -> exit = loop(loop, scope);
      case Stmt.SetValue set -> {
        line = set.line();
        assign(set.target(), evaluator.value(set.value(), scope), scope);
      }
      case Stmt.SetBlock set -> {
        line = set.line();
        Text body = captured(set.body(), new Scope(scope));
        assign(set.target(), filtered(set.filters(), body, scope), scope);
      }
      case Stmt.MacroDefinition macro ->
          scope.set(macro.name(), macro(macro.name(), macro.signature(), macro.body(), scope));
      case Stmt.CallBlock call -> callBlock(call, scope);
      case Stmt.FilterBlock filter -> {
        line = filter.line();
        Text body = captured(filter.body(), new Scope(scope));
        out.append(Printer.str(filtered(filter.filters(), body, scope), budget));
      }
      case Stmt.With with -> {
        line = with.line();
        Scope inner = new Scope(scope);
        for (Stmt.Assignment assignment : with.assignments()) {
          assign(assignment.target(), evaluator.value(assignment.value(), scope), inner);
        }
        exit = run(with.body(), inner);
      }
      case Stmt.Break stop -> exit = Exit.BREAK;
      case Stmt.Continue next -> exit = Exit.CONTINUE;
    }
    return exit;
  }

  private Object filtered(List<Expr.FilterCall> filters, Object input, Scope scope) {
    Object value = input;
    for (Expr.FilterCall filter : filters) {
      value = evaluator.filtered(filter, value, scope);
    }
    return value;
  }

  private Exit branch(Stmt.If statement, Scope scope) {
    line = statement.line();
    for (Stmt.Branch branch : statement.branches()) {
      if (Values.truthy(evaluator.value(branch.test(), scope))) {
        return run(branch.body(), scope);
      }
    }
    return run(statement.otherwise(), scope);
  }

  private Exit loop(Stmt.For statement, Scope scope) {
    line = statement.line();
    List<Object> items = items(statement, scope);
    Loop loop = new Loop(items, budget);
    boolean ranThrough = false;
    for (int i = 0; i < items.size(); i++) {
      loop.moveTo(i);
      Scope body = new Scope(scope);
      body.set("loop", loop);
      assign(statement.target(), items.get(i), body);
      Exit exit = run(statement.body(), body);
      if (exit == Exit.BREAK) {
        break;
      }
      ranThrough |= exit == Exit.NORMAL;
    }
    // As in the reference, an iteration left by break or continue does not count as one.
    return ranThrough ? Exit.NORMAL : run(statement.otherwise(), new Scope(scope));
  }

  private List<Object> items(Stmt.For statement, Scope scope) {
    List<Object> items = Values.list(evaluator.value(statement.items(), scope), budget);
    Optional<Expr> filter = statement.filter();
    if (filter.isEmpty()) {
      return items;
    }
    List<Object> kept = new ArrayList<>();
    for (Object item : items) {
      Scope inner = new Scope(scope);
      assign(statement.target(), item, inner);
      if (Values.truthy(evaluator.value(filter.get(), inner))) {
        kept.add(item);
      }
    }
    return kept;
  }

  private void assign(Target target, Object value, Scope scope) {
    switch (target) {
      case Target.Variable variable -> scope.set(variable.name(), value);
      case Target.Member member -> {
        if (!(scope.get(member.namespace()) instanceof Namespace namespace)) {
          throw new JinjaException(
              "cannot set an attribute of '" + member.namespace() + "', it is not a namespace");
        }
        namespace.set(member.attribute(), value);
      }
      case Target.Unpack unpack -> {
        List<Object> items = Values.list(value, budget);
        if (items.size() != unpack.targets().size()) {
          throw new JinjaException(
              "cannot unpack " + items.size() + " items to " + unpack.targets().size() + " names");
        }
        for (int i = 0; i < items.size(); i++) {
          assign(unpack.targets().get(i), items.get(i), scope);
        }
      }
    }
  }

  private void callBlock(Stmt.CallBlock statement, Scope scope) {
    line = statement.line();
    Arguments written = evaluator.arguments(statement.call().arguments(), scope);
    var named = new LinkedHashMap<>(written.named());
    named.put("caller", macro("caller", statement.signature(), statement.body(), scope));
    Object callee = evaluator.value(statement.call().callee(), scope);
    Object result = evaluator.call(callee, new Arguments(written.positional(), named));
    out.append(Printer.str(result, budget));
  }

  private Callable macro(String name, Stmt.Signature signature, List<Stmt> body, Scope defined) {
    return arguments -> {
      int callLine = line;
      Scope scope = new Scope(defined);
      bind(name, signature, arguments, scope);
      Text text = captured(body, scope);
      line = callLine;
      return text;
    };
  }

  private void bind(String name, Stmt.Signature signature, Arguments arguments, Scope scope) {
    List<Stmt.Parameter> parameters = signature.parameters();
    if (arguments.positional().size() > parameters.size()) {
      throw new JinjaException(
          "macro '" + name + "' takes at most " + parameters.size() + " positional arguments");
    }
    for (String key : arguments.named().keySet()) {
      boolean known = parameters.stream().anyMatch(p -> p.name().equals(key));
      if (!known && !key.equals("caller")) {
        throw new JinjaException("macro '" + name + "' has no parameter '" + key + "'");
      }
    }
    // Each macro has a caller of its own, so that it never sees the one of a macro around it.
    scope.set(
        "caller",
        arguments.named().getOrDefault("caller", new Undefined("no caller was provided")));
    for (int i = 0; i < parameters.size(); i++) {
      Stmt.Parameter parameter = parameters.get(i);
      Optional<Object> given = arguments.find(i, parameter.name());
      scope.set(parameter.name(), given.orElseGet(() -> defaultOf(parameter, scope)));
    }
  }

  private Object defaultOf(Stmt.Parameter parameter, Scope scope) {
    return parameter.defaultValue().isPresent()
        ? evaluator.value(parameter.defaultValue().get(), scope)
        : new Undefined("parameter '" + parameter.name() + "' was not provided");
  }
}
