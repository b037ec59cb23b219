package org.kithlm.coordinator.generation;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.tokenizer.Tokenizer;

/** A vocabulary of all bytes: token 0 ends an answer, token n + 1 is byte n. */
final class ByteTokenizer {
  static final int END = 0;
  static final int VOCABULARY = 257;

  /** The tokens of {@link #thinking} that begin and end a thought. */
  static final int THINK = VOCABULARY;

  static final int END_THINK = VOCABULARY + 1;

  private static final long CONTROL = 3; // of tokenizer.ggml.token_type
  private static final long USER_DEFINED = 4;
  private static final long BYTE = 6;

  private ByteTokenizer() {}

  static Tokenizer create() {
    return Tokenizer.from(metadata());
  }

  /** That of a model that thinks. */
  static Tokenizer thinking() {
    return Tokenizer.from(metadata("<think>", "</think>"));
  }

  static GgufMetadata metadata(String... userDefined) {
    List<String> tokens = new ArrayList<>();
    tokens.add("</s>");
    for (int value = 0; value < 256; value++) {
      tokens.add(String.format("<0x%02X>", value));
    }
    tokens.addAll(List.of(userDefined));
    long[] types = new long[tokens.size()];
    Arrays.fill(types, BYTE);
    Arrays.fill(types, VOCABULARY, types.length, USER_DEFINED);
    types[END] = CONTROL;
    Map<String, Object> values = new HashMap<>();
    values.put("tokenizer.ggml.model", "llama");
    values.put("tokenizer.ggml.tokens", tokens);
    values.put("tokenizer.ggml.token_type", types);
    values.put("tokenizer.ggml.scores", new float[tokens.size()]);
    values.put("tokenizer.ggml.eos_token_id", (long) END);
    values.put("tokenizer.ggml.add_bos_token", false);
    values.put("tokenizer.ggml.add_space_prefix", false);
    return new GgufMetadata(values);
  }

  static int[] tokens(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] tokens = new int[bytes.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = Byte.toUnsignedInt(bytes[i]) + 1;
    }
    return tokens;
  }
}
