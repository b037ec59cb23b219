package org.kithlm.model.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.gguf.GgufException;
import org.kithlm.model.gguf.GgufMetadata;

/**
 * Turns text into the token ids a model was trained on, and ids into bytes. Read from the keys
 * {@code tokenizer.ggml.*} of the GGUF specification; none of the metadata's strings but those of
 * special tokens are kept. For any thread; nothing that is seen of it changes.
 */
public final class Tokenizer {
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String TYPES = "tokenizer.ggml.token_type";

  private final TextEncoder encoder;
  private final SpecialTokens specials;
  private final TokenType[] types;
  private final BitSet endOfGeneration;
  private final int bosId;
  private final int eosId;
  private final boolean addsBos;
  private final boolean addsEos;
  private volatile @Nullable SortedTokens sorted;

  private Tokenizer(GgufMetadata metadata) {
    List<String> tokens = metadata.strings(TOKENS);
    types = types(metadata, tokens.size());
    // The bytes of a token depend on the type in the file, before names override it.
    encoder = encoder(metadata, tokens, types.clone());
    endOfGeneration = EndOfGeneration.find(metadata, tokens, types);
    specials = new SpecialTokens(tokens, types);
    bosId = tokenId(metadata, "tokenizer.ggml.bos_token_id", types.length);
    eosId = tokenId(metadata, "tokenizer.ggml.eos_token_id", types.length);
    addsBos =
        adds(metadata, "tokenizer.ggml.add_bos_token", encoder.addsBosByDefault(), "bos", bosId);
    addsEos = adds(metadata, "tokenizer.ggml.add_eos_token", false, "eos", eosId);
  }

  /**
   * The tokenizer of a model.
   *
   * @throws GgufException if a key is missing or damaged, or names an algorithm that is not
   *     supported
   */
  public static Tokenizer from(GgufMetadata metadata) {
    return new Tokenizer(metadata);
  }

  private static TextEncoder encoder(
      GgufMetadata metadata, List<String> tokens, TokenType[] types) {
    String model = metadata.string(TextEncoder.MODEL);
    return switch (model) {
      case "gpt2" -> new BytePairEncoder(metadata, tokens, types);
      case "llama" -> new ScoredPieceEncoder(metadata, tokens, types);
      default ->
          throw new GgufException(
              TextEncoder.MODEL + "=" + model + " is not supported; known: gpt2, llama");
    };
  }

  private static TokenType[] types(GgufMetadata metadata, int count) {
    TokenType[] types = new TokenType[count];
    Arrays.fill(types, TokenType.NORMAL);
    if (metadata.contains(TYPES)) {
      long[] numbers = metadata.integers(TYPES);
      if (numbers.length != count) {
        throw new GgufException(
            TYPES + " has " + numbers.length + " entries for " + count + " tokens");
      }
      for (int id = 0; id < count; id++) {
        types[id] = TokenType.of(numbers[id], id);
      }
    }
    return types;
  }

  /** The id under a key, or -1 where the key is missing. */
  static int tokenId(GgufMetadata metadata, String key, int vocabularySize) {
    int id = metadata.integer(key, -1);
    if (metadata.contains(key) && (id < 0 || id >= vocabularySize)) {
      throw new GgufException(key + "=" + id + " is not in a vocabulary of " + vocabularySize);
    }
    return id;
  }

  private static boolean adds(
      GgufMetadata metadata, String key, boolean byDefault, String name, int id) {
    boolean adds = metadata.flag(key, byDefault);
    if (adds && id < 0) {
      throw new GgufException(
          "the model starts or ends prompts with "
              + name
              + ", but tokenizer.ggml."
              + name
              + "_token_id is missing");
    }
    return adds;
  }

  /**
   * Encodes text.
   *
   * @param text unpaired surrogates count as U+FFFD
   * @param parseSpecial whether the texts of control tokens become those tokens (a prompt that a
   *     template made) or stay plain text (what a user typed)
   * @param addBos whether to add the BOS, and EOS, that the model's metadata asks for
   */
  public int[] encode(String text, boolean parseSpecial, boolean addBos) {
    BitSet trusted = new BitSet();
    trusted.set(0, parseSpecial ? text.length() : 0);
    return encode(text, trusted, addBos);
  }

  /**
   * Encodes text of several authors as one run.
   *
   * @param text unpaired surrogates count as U+FFFD
   * @param trusted indexes of the characters of which control tokens may consist
   * @param addBos whether to add the BOS, and EOS, that the model's metadata asks for
   */
  public int[] encode(String text, BitSet trusted, boolean addBos) {
    IntStream.Builder ids = IntStream.builder();
    if (addBos && addsBos) {
      ids.accept(bosId);
    }
    String valid = withoutUnpairedSurrogates(text);
    specials.split(
        valid,
        trusted,
        new SpecialTokens.Parts() {
          private boolean atStart = true;

          @Override
          public void text(int from, int to) {
            encoder.encode(valid.substring(from, to), atStart, ids);
            atStart = false;
          }

          @Override
          public void token(int from, int to, int id) {
            ids.accept(id);
            atStart = true;
          }
        });
    if (addBos && addsEos) {
      ids.accept(eosId);
    }
    return ids.build().toArray();
  }

  /** Encodes a whole prompt: special tokens parsed, BOS and EOS as the metadata asks. */
  public int[] encodePrompt(String text) {
    return encode(text, true, true);
  }

  /**
   * The text of some tokens, without control tokens and without the space that {@link #encode} puts
   * before the first word of some models. Bytes that are not UTF-8 become U+FFFD.
   */
  public String decode(int... ids) {
    StreamingDetokenizer detokenizer = new StreamingDetokenizer(this);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(detokenizer.accept(id));
    }
    text.append(detokenizer.flush());
    boolean prefixed = encoder.addsSpacePrefix() && !text.isEmpty() && text.charAt(0) == ' ';
    return text.substring(prefixed ? 1 : 0);
  }

  /**
   * The bytes of a token, often not whole characters; the name of a control token.
   *
   * @throws IllegalArgumentException if there is no such token
   */
  public byte[] tokenBytes(int id) {
    return encoder.tokenBytes(checked(id));
  }

  /** The tokens with a text in the order of their bytes; made when they are first asked for. */
  public SortedTokens sortedTokens() {
    SortedTokens known = sorted;
    if (known == null) {
      known = new SortedTokens(this); // twice by two threads at worst
      sorted = known;
    }
    return known;
  }

  /** Whether a token has no text in an answer. */
  public boolean isControl(int id) {
    return types[checked(id)].isHidden();
  }

  /** Whether a token ends the answer. */
  public boolean isEndOfGeneration(int id) {
    return endOfGeneration.get(checked(id));
  }

  /** The token at the start of a prompt, or -1. */
  public int bosId() {
    return bosId;
  }

  /** The token at the end of a text, or -1. */
  public int eosId() {
    return eosId;
  }

  /** Number of tokens; ids run from 0. */
  public int vocabularySize() {
    return types.length;
  }

  private int checked(int id) {
    if (id < 0 || id >= types.length) {
      throw new IllegalArgumentException(
          "token " + id + " is not in a vocabulary of " + types.length);
    }
    return id;
  }

  private static String withoutUnpairedSurrogates(String text) {
    boolean unpaired =
        text.codePoints()
            .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    if (!unpaired) {
      return text;
    }
    StringBuilder valid = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .forEach(valid::appendCodePoint);
    return valid.toString();
  }
}
