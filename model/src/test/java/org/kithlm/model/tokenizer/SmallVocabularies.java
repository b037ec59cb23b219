package org.kithlm.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.kithlm.model.gguf.GgufMetadata;

/** Made-up vocabularies, small enough to reason about. */
final class SmallVocabularies {
  private SmallVocabularies() {}

  /** Metadata of a byte-level vocabulary: ids 0 to 255 are the bytes, then merges, then extras. */
  static Map<String, Object> byteLevel(
      String preTokenizer, List<String> merges, Map<String, TokenType> extras) {
    Map<String, TokenType> tokens = new LinkedHashMap<>();
    for (int value = 0; value < 256; value++) {
      tokens.put(spelling((byte) value), TokenType.NORMAL);
    }
    merges.forEach(merge -> tokens.put(merge.replace(" ", ""), TokenType.NORMAL));
    tokens.putAll(extras);
    Map<String, Object> values = values("gpt2", tokens);
    values.put("tokenizer.ggml.pre", preTokenizer);
    values.put("tokenizer.ggml.merges", merges);
    return values;
  }

  /** Metadata of a scored vocabulary: scores fall with the id, all bytes come last. */
  static Map<String, Object> scored(Map<String, TokenType> pieces) {
    Map<String, TokenType> tokens = new LinkedHashMap<>(pieces);
    for (int value = 0; value < 256; value++) {
      tokens.put(String.format("<0x%02X>", value), TokenType.BYTE);
    }
    Map<String, Object> values = values("llama", tokens);
    float[] scores = new float[tokens.size()];
    for (int id = 0; id < scores.length; id++) {
      scores[id] = -id;
    }
    values.put("tokenizer.ggml.scores", scores);
    values.put("tokenizer.ggml.add_bos_token", false);
    return values;
  }

  static Tokenizer tokenizer(Map<String, Object> values) {
    return Tokenizer.from(new GgufMetadata(values));
  }

  /** How a byte-level vocabulary writes text. */
  static String spelling(String text) {
    StringBuilder spelling = new StringBuilder();
    for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
      spelling.append(spelling(value));
    }
    return spelling.toString();
  }

  private static String spelling(byte value) {
    for (char c = '!'; ; c++) {
      byte[] bytes = ByteAlphabet.bytes(String.valueOf(c));
      if (bytes != null && bytes[0] == value) {
        return String.valueOf(c);
      }
    }
  }

  private static Map<String, Object> values(String model, Map<String, TokenType> tokens) {
    Map<String, Object> values = new HashMap<>();
    values.put("tokenizer.ggml.model", model);
    values.put("tokenizer.ggml.tokens", new ArrayList<>(tokens.keySet()));
    values.put(
        "tokenizer.ggml.token_type",
        tokens.values().stream().mapToLong(TokenType::number).toArray());
    return values;
  }
}
