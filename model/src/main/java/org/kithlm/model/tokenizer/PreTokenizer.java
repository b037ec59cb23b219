package org.kithlm.model.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.kithlm.model.gguf.GgufException;

/**
 * How text is cut into words that BPE does not merge across, by {@code tokenizer.ggml.pre}. Each
 * pattern cuts every piece the one before it left, into what it matches and what lies between.
 */
@SuppressWarnings("ImmutableEnumChecker") // its lists are unmodifiable
enum PreTokenizer {
  /** What GGUF files without a better label are read with. */
  DEFAULT(List.of("default"), "[\\p{P}$+<=>^~|]+", Pieces.GPT2, "\\p{N}+", "[0-9][0-9][0-9]"),
  /** GPT-2. */
  GPT2(
      List.of("gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "trillion", "granite-docling"),
      Pieces.GPT2),
  /** GPT-2 with each digit by itself. */
  SMOLLM(
      List.of("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"),
      "\\p{N}",
      Pieces.GPT2),
  /** Llama 3; a word that is a token is taken whole, and BOS comes first. */
  LLAMA3(
      List.of("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"),
      Pieces.llama3("\\p{N}{1,3}")),
  /** The words of Llama 3, without its other rules. */
  LLAMA3_WORDS(List.of("dbrx", "smaug-bpe", "glm4", "chatglm-bpe"), Pieces.llama3("\\p{N}{1,3}")),
  /** Qwen 2: Llama 3 with each digit by itself. */
  QWEN2(
      List.of("qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "solar-open"),
      Pieces.llama3("\\p{N}"));

  private final List<String> names;
  private final List<Pattern> patterns;

  PreTokenizer(List<String> names, String... patterns) {
    this.names = names;
    this.patterns = List.of(patterns).stream().map(Pattern::compile).toList();
  }

  /** Takes the bounds of a word. */
  interface Words {
    /** The word {@code [from, to)}. */
    void word(int from, int to);
  }

  /** Patterns that several share. */
  private static final class Pieces {
    // White space as Unicode has it; Java's \s is ASCII only.
    static final String SPACE =
        "\\t-\\r \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000";
    static final String BLANKS = "[" + SPACE + "]+(?![^" + SPACE + "])|[" + SPACE + "]+";
    static final String OTHER = " ?[^" + SPACE + "\\p{L}\\p{N}]+";
    static final String GPT2 =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|" + OTHER + "|" + BLANKS;

    static String llama3(String digits) {
      return "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
          + digits
          + "|"
          + OTHER
          + "[\\r\\n]*|["
          + SPACE
          + "]*[\\r\\n]+|"
          + BLANKS;
    }
  }

  /**
   * The one with a GGUF name.
   *
   * @throws GgufException if there is none; an approximate one would answer wrongly without a sign
   */
  static PreTokenizer of(String name) {
    List<String> known = new ArrayList<>();
    for (PreTokenizer preTokenizer : values()) {
      if (preTokenizer.names.contains(name)) {
        return preTokenizer;
      }
      known.addAll(preTokenizer.names);
    }
    throw new GgufException(
        "tokenizer.ggml.pre=" + name + " is not supported; known: " + String.join(", ", known));
  }

  /** Passes on the words of a text, in order and without a gap. */
  void split(String text, Words words) {
    split(
        patterns.stream().map(pattern -> pattern.matcher(text)).toList(), 0, text.length(), words);
  }

  private static void split(List<Matcher> matchers, int from, int to, Words words) {
    if (matchers.isEmpty()) {
      words.word(from, to);
      return;
    }
    List<Matcher> finer = matchers.subList(1, matchers.size());
    Matcher matcher = matchers.getFirst().region(from, to);
    int done = from;
    while (matcher.find()) {
      if (matcher.start() > done) {
        split(finer, done, matcher.start(), words);
      }
      split(finer, matcher.start(), matcher.end(), words);
      done = matcher.end();
    }
    if (done < to) {
      split(finer, done, to, words);
    }
  }
}
