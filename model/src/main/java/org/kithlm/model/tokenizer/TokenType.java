package org.kithlm.model.tokenizer;

import org.kithlm.model.gguf.GgufException;

/** What a vocabulary entry is for: the numbers of {@code tokenizer.ggml.token_type}, from 1. */
enum TokenType {
  /** A piece of text. */
  NORMAL,
  /** Stands for what the vocabulary cannot spell. */
  UNKNOWN,
  /** Steers the model, has no text; parsed from a prompt only where that is asked for. */
  CONTROL,
  /** A fixed string that is always one token, cut out before anything else. */
  USER_DEFINED,
  /** A row of the embedding without a meaning. */
  UNUSED,
  /** One byte, spelled {@code <0x0A>}. */
  BYTE;

  private static final TokenType[] VALUES = values();

  static TokenType of(long number, int id) {
    if (number < 1 || number > VALUES.length) {
      throw new GgufException(
          "tokenizer.ggml.token_type[" + id + "]=" + number + ", expected 1 to " + VALUES.length);
    }
    return VALUES[(int) number - 1];
  }

  /** Whether this has no text of its own in an answer. */
  boolean isHidden() {
    return this == CONTROL || this == UNKNOWN;
  }
}
