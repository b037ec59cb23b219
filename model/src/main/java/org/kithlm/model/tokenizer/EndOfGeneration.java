package org.kithlm.model.tokenizer;

import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.kithlm.model.gguf.GgufMetadata;

/**
 * The tokens that end an answer. GGUF files name only some of them, so the known names of
 * end-of-turn tokens count too, in the way llama.cpp has made customary.
 */
final class EndOfGeneration {
  private static final Set<String> NAMES =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<|flush|>",
          "<|calls|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "</s>",
          "<|eom_id|>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "[EOS]",
          "<|end_of_text|>",
          "<end_of_utterance>",
          "<eos>",
          "<turn|>",
          "<|tool_response>",
          "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
          "[e~[");

  /** Code models end a file with these; of each kind the key, or else the first name, counts. */
  private static final Map<String, List<String>> FILL_IN_MIDDLE =
      Map.of(
          "tokenizer.ggml.fim_pad_token_id",
          List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
          "tokenizer.ggml.fim_rep_token_id",
          List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
          "tokenizer.ggml.fim_sep_token_id",
          List.of("<|file_sep|>"));

  private static final List<String> KEYS =
      List.of(
          "tokenizer.ggml.eos_token_id",
          "tokenizer.ggml.eot_token_id",
          "tokenizer.ggml.eom_token_id");

  private EndOfGeneration() {}

  /** Finds them, and makes control tokens of those that were found by name. */
  static BitSet find(GgufMetadata metadata, List<String> tokens, TokenType[] types) {
    BitSet found = new BitSet();
    Map<String, Integer> fillIn = new HashMap<>();
    for (int id = 0; id < types.length; id++) {
      String token = tokens.get(id);
      if (NAMES.contains(token)) {
        found.set(id);
      } else if (FILL_IN_MIDDLE.values().stream().anyMatch(names -> names.contains(token))) {
        fillIn.put(token, id);
      }
    }
    FILL_IN_MIDDLE.forEach(
        (key, names) -> {
          if (!metadata.contains(key)) {
            names.stream()
                .filter(fillIn::containsKey)
                .limit(1)
                .map(fillIn::get)
                .forEach(found::set);
          }
        });
    found.stream().forEach(id -> types[id] = TokenType.CONTROL);
    for (String key : FILL_IN_MIDDLE.keySet()) {
      addKey(metadata, key, types.length, found);
    }
    for (String key : KEYS) {
      addKey(metadata, key, types.length, found);
    }
    return found;
  }

  private static void addKey(GgufMetadata metadata, String key, int vocabularySize, BitSet found) {
    int id = Tokenizer.tokenId(metadata, key, vocabularySize);
    if (id >= 0) {
      found.set(id);
    }
  }
}
