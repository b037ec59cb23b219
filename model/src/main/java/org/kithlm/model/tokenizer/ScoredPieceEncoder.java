package org.kithlm.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufMetadata;

/**
 * SentencePiece BPE ({@code tokenizer.ggml.model=llama}): spaces are spelled U+2581, the characters
 * of a text merge into the token with the highest score, and a character that is no token falls
 * back to its bytes.
 */
final class ScoredPieceEncoder implements TextEncoder, MergeRules {
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final Pattern BYTE_TOKEN = Pattern.compile("<0x[0-9A-Fa-f]{2}>");
  private static final char SPACE_MARK = '\u2581';

  private final Vocabulary vocabulary;
  private final TokenType[] types;
  private final int[] ranks; // of each token, the highest score lowest
  private final int[] byteTokens = new int[256];
  private final boolean spacePrefix;

  ScoredPieceEncoder(GgufMetadata metadata, List<String> tokens, TokenType[] types) {
    this.types = types;
    float[] scores = metadata.reals(SCORES);
    if (scores.length != types.length) {
      throw new GgufException(
          SCORES + " has " + scores.length + " entries for " + types.length + " tokens");
    }
    vocabulary =
        new Vocabulary(types.length, id -> tokens.get(id).getBytes(StandardCharsets.UTF_8));
    spacePrefix = metadata.flag("tokenizer.ggml.add_space_prefix", true);
    ranks = new int[scores.length];
    for (int id = 0; id < ranks.length; id++) {
      if (Float.isNaN(scores[id])) {
        throw new GgufException(SCORES + "[" + id + "] is NaN");
      }
      int bits = Float.floatToIntBits(scores[id] + 0f); // + 0 makes -0 equal to 0
      ranks[id] = ~(bits < 0 ? bits ^ Integer.MAX_VALUE : bits);
    }
    for (int id = 0; id < types.length; id++) {
      if (types[id] == TokenType.BYTE && !BYTE_TOKEN.matcher(tokens.get(id)).matches()) {
        throw new GgufException("byte token " + id + " is '" + tokens.get(id) + "', not <0xNN>");
      }
    }
    for (int value = 0; value < 256; value++) {
      byte[] spelling = String.format("<0x%02X>", value).getBytes(StandardCharsets.US_ASCII);
      int id = vocabulary.find(spelling, 0, spelling.length);
      byte[] single = {(byte) value};
      byteTokens[value] = id != Vocabulary.NONE ? id : vocabulary.find(single, 0, 1);
    }
  }

  @Override
  public void encode(String text, boolean atStart, IntConsumer ids) {
    String prefixed = spacePrefix && atStart ? " " + text : text;
    byte[] marked = prefixed.replace(' ', SPACE_MARK).getBytes(StandardCharsets.UTF_8);
    new PairMerger(this).merge(marked, true, ids);
  }

  @Override
  public int find(byte[] text, int from, int to) {
    return vocabulary.find(text, from, to);
  }

  @Override
  public int rank(int left, int right, byte[] text, int from, int to) {
    int joined = vocabulary.find(text, from, to);
    return joined == Vocabulary.NONE ? PairRanks.NONE : ranks[joined];
  }

  @Override
  public void spell(byte[] text, int from, int to, IntConsumer ids) {
    for (int i = from; i < to; i++) {
      int id = byteTokens[text[i] & 0xFF];
      if (id != Vocabulary.NONE) {
        ids.accept(id);
      }
    }
  }

  @Override
  public byte[] tokenBytes(int id) {
    byte[] bytes = vocabulary.bytes(id);
    return switch (types[id]) {
      case NORMAL ->
          new String(bytes, StandardCharsets.UTF_8)
              .replace(SPACE_MARK, ' ')
              .getBytes(StandardCharsets.UTF_8);
      case BYTE -> HexFormat.of().parseHex(new String(bytes, 3, 2, StandardCharsets.US_ASCII));
      case UNUSED -> new byte[0];
      case CONTROL, UNKNOWN, USER_DEFINED -> bytes;
    };
  }

  @Override
  public boolean addsSpacePrefix() {
    return spacePrefix;
  }

  @Override
  public boolean addsBosByDefault() {
    return true;
  }
}
