package org.kithlm.model.chat.jinja;

import java.util.List;
import org.kithlm.model.chat.jinja.Token.Kind;

/** A cursor over tokens that also bounds how deep a parser nests. */
final class TokenStream {
  /** A level takes about 1.5 KiB of stack, real templates nest up to 15 deep. */
  private static final int DEPTH_MAX = 100;

  private final List<Token> tokens;
  private int position;
  private int depth;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(position);
  }

  Token peek() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  /** The current token, moving past it. */
  Token next() {
    Token token = current();
    if (token.kind() != Kind.END) {
      position++;
    }
    return token;
  }

  boolean at(Kind kind) {
    return current().kind() == kind;
  }

  boolean atOperator(String text) {
    return current().is(Kind.OPERATOR, text);
  }

  boolean atName(String text) {
    return current().is(Kind.NAME, text);
  }

  boolean skipOperator(String text) {
    return skip(atOperator(text));
  }

  boolean skipName(String text) {
    return skip(atName(text));
  }

  private boolean skip(boolean matches) {
    if (matches) {
      next();
    }
    return matches;
  }

  void expectOperator(String text) {
    if (!skipOperator(text)) {
      throw fault("expected '" + text + "', got " + current().describe());
    }
  }

  void expectName(String text) {
    if (!skipName(text)) {
      throw fault("expected '" + text + "', got " + current().describe());
    }
  }

  Token expect(Kind kind, String what) {
    if (!at(kind)) {
      throw fault("expected " + what + ", got " + current().describe());
    }
    return next();
  }

  /** A syntax error at the current token. */
  JinjaException fault(String message) {
    return new JinjaException(message).at(current().line());
  }

  /** Goes one level down; pair with {@link #exit}. */
  void enter() {
    if (depth == DEPTH_MAX) {
      throw fault("the template nests deeper than " + DEPTH_MAX + " levels");
    }
    depth++;
  }

  /** Comes back from {@link #enter}. */
  void exit() {
    depth--;
  }
}
