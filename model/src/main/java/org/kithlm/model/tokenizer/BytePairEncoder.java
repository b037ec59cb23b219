package org.kithlm.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.IntConsumer;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufMetadata;

/**
 * Byte-level BPE ({@code tokenizer.ggml.model=gpt2}): text is cut into words, and the bytes of each
 * merge by the order of {@code tokenizer.ggml.merges}. A byte that is no token is dropped, as the
 * reference implementations do (SmolLM2 lacks ten control characters and a few lead bytes).
 */
final class BytePairEncoder implements TextEncoder, MergeRules {
  private static final String MERGES = "tokenizer.ggml.merges";

  private final Vocabulary vocabulary;
  private final TokenType[] types;
  private final PairRanks ranks;
  private final PreTokenizer preTokenizer;

  BytePairEncoder(GgufMetadata metadata, List<String> tokens, TokenType[] types) {
    this.types = types;
    preTokenizer = PreTokenizer.of(metadata.optionalString("tokenizer.ggml.pre").orElse("default"));
    vocabulary = new Vocabulary(types.length, id -> spelled(tokens.get(id), types[id]));
    List<String> merges = metadata.strings(MERGES);
    ranks = new PairRanks(merges.size());
    for (int rank = 0; rank < merges.size(); rank++) {
      addMerge(merges.get(rank), rank);
    }
  }

  private static byte[] spelled(String token, TokenType type) {
    byte[] bytes = type == TokenType.NORMAL ? ByteAlphabet.bytes(token) : null;
    return bytes != null ? bytes : token.getBytes(StandardCharsets.UTF_8);
  }

  private void addMerge(String merge, int rank) {
    int space = merge.indexOf(' ', 1);
    byte[] left = space < 0 ? null : ByteAlphabet.bytes(merge.substring(0, space));
    byte[] right = space < 0 ? null : ByteAlphabet.bytes(merge.substring(space + 1));
    if (left == null || right == null) {
      throw new GgufException(MERGES + "[" + rank + "]='" + merge + "' is not two pieces");
    }
    byte[] joined = new byte[left.length + right.length];
    System.arraycopy(left, 0, joined, 0, left.length);
    System.arraycopy(right, 0, joined, left.length, right.length);
    int leftId = find(left, 0, left.length);
    int rightId = find(right, 0, right.length);
    if (leftId < 0 || rightId < 0 || find(joined, 0, joined.length) < 0) {
      throw new GgufException(
          MERGES + "[" + rank + "]='" + merge + "' names a piece that is not in the vocabulary");
    }
    ranks.add(leftId, rightId, rank);
  }

  @Override
  public void encode(String text, boolean atStart, IntConsumer ids) {
    PairMerger merger = new PairMerger(this);
    preTokenizer.split(
        text,
        (from, to) -> {
          byte[] word = text.substring(from, to).getBytes(StandardCharsets.UTF_8);
          int whole =
              preTokenizer == PreTokenizer.LLAMA3 ? find(word, 0, word.length) : Vocabulary.NONE;
          if (whole != Vocabulary.NONE) {
            ids.accept(whole);
          } else {
            merger.merge(word, false, ids);
          }
        });
  }

  @Override
  public int find(byte[] text, int from, int to) {
    return vocabulary.find(text, from, to);
  }

  @Override
  public int rank(int left, int right, byte[] text, int from, int to) {
    return left < 0 || right < 0 ? PairRanks.NONE : ranks.rank(left, right);
  }

  @Override
  public void spell(byte[] text, int from, int to, IntConsumer ids) {
    // A merge always gives a token, so this is one byte without one: dropped.
  }

  @Override
  public byte[] tokenBytes(int id) {
    return types[id] == TokenType.UNUSED ? new byte[0] : vocabulary.bytes(id);
  }

  @Override
  public boolean addsSpacePrefix() {
    return false;
  }

  @Override
  public boolean addsBosByDefault() {
    return preTokenizer == PreTokenizer.LLAMA3;
  }
}
