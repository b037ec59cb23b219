package org.kithlm.model.tokenizer;

import java.util.function.IntConsumer;
import org.kithlm.model.gguf.GgufMetadata;

/** Encodes the text between special tokens: one of the tokenizer algorithms. Immutable. */
interface TextEncoder {
  /** Metadata: which algorithm. */
  String MODEL = "tokenizer.ggml.model";

  /**
   * Encodes a run of text.
   *
   * @param text not empty, without unpaired surrogates
   * @param atStart whether it starts the prompt or follows a special token
   * @param ids takes the tokens in order
   */
  void encode(String text, boolean atStart, IntConsumer ids);

  /** A token's bytes in an answer. */
  byte[] tokenBytes(int id);

  /** Whether a space was put before the text, for a decoder to take off again. */
  boolean addsSpacePrefix();

  /** Whether a prompt starts with BOS where {@link GgufMetadata} does not say. */
  boolean addsBosByDefault();
}
