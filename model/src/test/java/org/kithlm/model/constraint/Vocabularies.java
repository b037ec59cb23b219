package org.kithlm.model.constraint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.kithlm.model.gguf.GgufMetadata;
import org.kithlm.model.tokenizer.Tokenizer;

/** A made-up vocabulary: all bytes, and pieces that join what a grammar has apart. */
final class Vocabularies {
  static final int END = 0;

  private static final long NORMAL = 1; // of tokenizer.ggml.token_type
  static final long CONTROL = 3;
  static final long USER_DEFINED = 4;
  private static final long BYTE = 6;
  private static final List<String> PIECES =
      List.of(
          "{\"", "\":", "\",", "\",▁\"", "\"}", "\"}}", "},", "[[", "[]", "{}", "],", "▁", "▁▁",
          "tru", "true", "null", "12", "123", "0.", ".5", "-1", "red", "redder", "na", "name\"",
          "\":▁\"", "\\u", "\\\"", "ï", "日本", "\n", "kind", "cat", "e5", "\"a\":1");

  private Vocabularies() {}

  static Tokenizer small() {
    return with(NORMAL);
  }

  /** The same and more tokens of a type. */
  static Tokenizer with(long type, String... more) {
    List<String> tokens = new ArrayList<>(List.of("</s>", "<|other|>"));
    long[] types = new long[tokens.size() + 256 + PIECES.size() + more.length];
    Arrays.fill(types, BYTE);
    types[END] = CONTROL;
    types[1] = CONTROL;
    for (int value = 0; value < 256; value++) {
      tokens.add(String.format("<0x%02X>", value));
    }
    Arrays.fill(types, tokens.size(), types.length, NORMAL);
    tokens.addAll(PIECES);
    Arrays.fill(types, tokens.size(), types.length, type);
    tokens.addAll(List.of(more));
    Map<String, Object> values = new HashMap<>();
    values.put("tokenizer.ggml.model", "llama");
    values.put("tokenizer.ggml.tokens", tokens);
    values.put("tokenizer.ggml.token_type", types);
    values.put("tokenizer.ggml.scores", new float[types.length]);
    values.put("tokenizer.ggml.eos_token_id", (long) END);
    values.put("tokenizer.ggml.add_bos_token", false);
    values.put("tokenizer.ggml.add_space_prefix", false);
    return Tokenizer.from(new GgufMetadata(values));
  }
}
