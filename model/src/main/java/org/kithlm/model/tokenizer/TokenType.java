package org.kithlm.model.tokenizer;

import org.kithlm.model.gguf.GgufException;

/** What a vocabulary entry is for: the numbers of {@code tokenizer.ggml.token_type}, from 1. */
enum TokenType {
  /** A piece of text. */
  NORMAL(1),
  /** Stands for what the vocabulary cannot spell. */
  UNKNOWN(2),
  /** Steers the model, has no text; parsed from a prompt only where that is asked for. */
  CONTROL(3),
  /** A fixed string that is always one token, cut out before anything else. */
  USER_DEFINED(4),
  /** A row of the embedding without a meaning. */
  UNUSED(5),
  /** One byte, spelled {@code <0x0A>}. */
  BYTE(6);

  private static final TokenType[] VALUES = values();

  private final int number;

  TokenType(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  static TokenType of(long number, int id) {
    for (TokenType type : VALUES) {
      if (type.number == number) {
        return type;
      }
    }
    throw new GgufException(
        "tokenizer.ggml.token_type[" + id + "]=" + number + ", expected 1 to " + VALUES.length);
  }

  /** Whether this has no text of its own in an answer. */
  boolean isHidden() {
    return this == CONTROL || this == UNKNOWN;
  }
}
