package org.kithlm.model.chat.jinja;

/** A template that does not parse, fails while rendering, exceeds a bound or refuses its input. */
public final class JinjaException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final boolean located;

  private JinjaException(String message, boolean located) {
    super(message);
    this.located = located;
  }

  /** A fault whose line is still to be added by {@link #at}. */
  JinjaException(String message) {
    this(message, false);
  }

  /** The template's own words from {@code raise_exception}; no line is ever added. */
  static JinjaException raised(String message) {
    return new JinjaException(message, true);
  }

  /** This fault with the line it happened on, unless it has one. */
  JinjaException at(int line) {
    return located
        ? this
        : new JinjaException("chat template line " + line + ": " + getMessage(), true);
  }
}
