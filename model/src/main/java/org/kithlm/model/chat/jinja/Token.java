package org.kithlm.model.chat.jinja;

/**
 * A piece of a template.
 *
 * @param kind what it is
 * @param text characters of a name or operator, the value of a string, the digits of a number
 * @param line where it starts, from 1
 */
record Token(Kind kind, String text, int line) {
  /** What a token is. */
  enum Kind {
    /** Text outside of tags. */
    DATA,
    /** Start of an expression tag. */
    VARIABLE_BEGIN,
    /** End of an expression tag. */
    VARIABLE_END,
    /** Start of a statement tag. */
    BLOCK_BEGIN,
    /** End of a statement tag. */
    BLOCK_END,
    /** A name or keyword. */
    NAME,
    /** A string literal. */
    STRING,
    /** An integer literal. */
    INTEGER,
    /** A float literal. */
    FLOAT,
    /** Punctuation. */
    OPERATOR,
    /** The end of the template. */
    END
  }

  boolean is(Kind wantedKind, String wantedText) {
    return kind == wantedKind && text.equals(wantedText);
  }

  /** For messages. */
  String describe() {
    return switch (kind) {
      case END -> "end of template";
      case BLOCK_END, VARIABLE_END -> "end of tag";
      case DATA -> "text";
      default -> "'" + text + "'";
    };
  }
}
