package org.kithlm.model.chat.jinja;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A parsed template. Renders as Python's Jinja 3 does with {@code trim_blocks}, {@code
 * lstrip_blocks}, loop controls and no autoescape. Immutable and thread-safe; each rendering has
 * bounds of its own on steps, text and depth.
 */
public final class Template {
  /** Longest template in UTF-16 units; those of known models have up to 30,000. */
  static final int LENGTH_MAX = 1 << 20;

  private final List<Stmt> statements;

  private Template(List<Stmt> statements) {
    this.statements = statements;
  }

  /**
   * Parses a template.
   *
   * @throws JinjaException if it is not valid, uses a tag that chat templates have no need of, or
   *     is too long or too deep; the message names the line
   */
  public static Template parse(String source) {
    if (source.length() > LENGTH_MAX) {
      throw new JinjaException(
          "the chat template has " + source.length() + " characters, more than " + LENGTH_MAX);
    }
    return new Template(TemplateParser.parse(source));
  }

  /**
   * Renders the template.
   *
   * @param variables by name: null, strings, numbers, booleans, lists and maps of these. A plain
   *     string counts as foreign in the result, a {@link Text} as what it is.
   * @param now what {@code strftime_now} formats
   * @throws JinjaException if the template fails, exceeds a bound, or calls {@code
   *     raise_exception}, whose words are then the message
   */
  public Text render(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
    Budget budget = new Budget();
    Scope globals = new Scope(null);
    Globals.define(globals, now, budget);
    Scope scope = new Scope(globals);
    variables.forEach((name, value) -> scope.set(name, Values.of(value, budget)));
    return new Renderer(budget).render(statements, scope);
  }
}
