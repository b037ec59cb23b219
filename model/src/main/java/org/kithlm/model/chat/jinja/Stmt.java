package org.kithlm.model.chat.jinja;

import java.util.List;
import java.util.Optional;

/** Statements. */
sealed interface Stmt {
  /** Text outside of tags. */
  record Data(Text text) implements Stmt {}

  /** {@code {{ value }}}. */
  record Output(int line, Expr value) implements Stmt {}

  /** {@code if} with its {@code elif} branches in order. */
  record If(int line, List<Branch> branches, List<Stmt> otherwise) implements Stmt {}

  /** A condition and what it guards. */
  record Branch(Expr test, List<Stmt> body) {}

  /** {@code for target in items if filter}; {@code otherwise} runs when there was no item. */
  record For(
      int line,
      Target target,
      Expr items,
      Optional<Expr> filter,
      List<Stmt> body,
      List<Stmt> otherwise)
      implements Stmt {}

  /** {@code set target = value}. */
  record SetValue(int line, Target target, Expr value) implements Stmt {}

  /** {@code set target}...{@code endset}, through filters. */
  record SetBlock(int line, Target target, List<Expr.FilterCall> filters, List<Stmt> body)
      implements Stmt {}

  /** {@code macro}. */
  record MacroDefinition(int line, String name, Signature signature, List<Stmt> body)
      implements Stmt {}

  /** {@code call}: the body is the macro's {@code caller}. */
  record CallBlock(int line, Signature signature, Expr.Call call, List<Stmt> body)
      implements Stmt {}

  /** A filter tag: its body goes through the filters. */
  record FilterBlock(int line, List<Expr.FilterCall> filters, List<Stmt> body) implements Stmt {}

  /** {@code with}; also {@code generation}, which only has a scope of its own. */
  record With(int line, List<Assignment> assignments, List<Stmt> body) implements Stmt {}

  /** A target and its value. */
  record Assignment(Target target, Expr value) {}

  /** {@code break}. */
  record Break() implements Stmt {}

  /** {@code continue}. */
  record Continue() implements Stmt {}

  /** Parameters of a macro; those with a default come last. */
  record Signature(List<Parameter> parameters) {}

  /** A parameter and its default. */
  record Parameter(String name, Optional<Expr> defaultValue) {}

  /** What can be assigned to. */
  sealed interface Target {
    /** A variable of the current scope. */
    record Variable(String name) implements Target {}

    /** An attribute of a namespace. */
    record Member(String namespace, String attribute) implements Target {}

    /** Several targets that share the items of one value. */
    record Unpack(List<Target> targets) implements Target {}
  }
}
