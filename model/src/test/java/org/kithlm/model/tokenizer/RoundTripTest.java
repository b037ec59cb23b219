package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoundTripTest {
  private static final long SEED = 20261123;
  private static final int TEXTS = 2000;
  private static final List<String> ALPHABETS =
      List.of(
          "abcdefghijklmnopqrstuvwxyzABCXYZ",
          " \t\n\r",
          "0123456789½²Ⅷ٣",
          "'’.,;:!?-_()[]{}<>/\\|@#$%^&*+=~`\"",
          "éüßñçÀÎ\u0301\u0308\u0327",
          "你好世界，。日本語かなカナ한국어",
          "مرحبا שלום नमस्ते ไทย",
          "🙂👩👧🏳🌈🇩🇪🤷🏽\u200D\uFE0F\u20E3",
          "\u00A0\u1680\u2003\u2028\u3000\u0085\u200B\uFEFF",
          "\u0000\u0001\u001C\u007F\u001B",
          "\uD800\uDBFF\uDC00\uDFFF\uFFFD\uFFFF");
  private static final List<String> FRAGMENTS =
      List.of("'s", "'LL", "don't", "\r\n", "    ", " the", "ing", "<|im_end|>", "<s>", "\u2581");

  @ParameterizedTest
  @ValueSource(strings = {"default", "gpt-2", "smollm", "llama-bpe", "qwen2"})
  void shouldDecodeWhatItEncodesInEveryByteLevelModel(String preTokenizer) {
    Random random = new Random(SEED);
    Map<String, Object> values =
        SmallVocabularies.byteLevel(
            preTokenizer, randomMerges(random), Map.of("<s>", TokenType.USER_DEFINED));
    values.put("tokenizer.ggml.add_bos_token", false);
    assertRoundTrips(random, SmallVocabularies.tokenizer(values));
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen25"}) // SmolLM2's vocabulary lacks some bytes
  void shouldDecodeWhatItEncodesInRealModels(String model) throws IOException {
    Random random = new Random(SEED);
    assertRoundTrips(random, Tokenizer.from(ModelVocabularies.metadata(model)));
  }

  @Test
  void shouldDecodeWhatItEncodesWithScoredPieces() throws IOException {
    Random random = new Random(SEED);
    Tokenizer tokenizer = Tokenizer.from(ModelVocabularies.metadata("gemma3"));
    for (int i = 0; i < TEXTS; i++) {
      // U+2581 is how such a vocabulary writes a space, so it comes back as one.
      String text = randomText(random).replace('\u2581', ' ');
      assertRoundTrip(tokenizer, text, i);
    }
  }

  /** A megabyte without a break: minutes where merging is quadratic. */
  @Test
  void shouldEncodeAVeryLongWord() {
    Map<String, Object> values =
        SmallVocabularies.byteLevel("qwen2", List.of("a a", "aa aa", "b a"), Map.of());
    Tokenizer tokenizer = SmallVocabularies.tokenizer(values);
    String word = "aabaaaaaaa".repeat(100_000);
    assertEquals(word, tokenizer.decode(tokenizer.encode(word, true, true)));
  }

  private static void assertRoundTrips(Random random, Tokenizer tokenizer) {
    for (int i = 0; i < TEXTS; i++) {
      assertRoundTrip(tokenizer, randomText(random), i);
    }
  }

  private static void assertRoundTrip(Tokenizer tokenizer, String text, int index) {
    String message = "seed=" + SEED + " text " + index;
    int[] ids = tokenizer.encode(text, false, false);
    assertEquals(withoutUnpairedSurrogates(text), tokenizer.decode(ids), message);
    assertArrayEquals(ids, tokenizer.encode(text, false, false), message);
  }

  private static String withoutUnpairedSurrogates(String text) {
    StringBuilder valid = new StringBuilder();
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int c = text.codePointAt(i);
      valid.appendCodePoint(Character.getType(c) == Character.SURROGATE ? 0xFFFD : c);
    }
    return valid.toString();
  }

  private static List<String> randomMerges(Random random) {
    List<String> pieces = new ArrayList<>();
    for (String alphabet : ALPHABETS) {
      String spelling = SmallVocabularies.spelling(alphabet);
      spelling.chars().distinct().forEach(c -> pieces.add(String.valueOf((char) c)));
    }
    List<String> merges = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      String left = pieces.get(random.nextInt(pieces.size()));
      String right = pieces.get(random.nextInt(pieces.size()));
      if (!pieces.contains(left + right)) {
        pieces.add(left + right);
        merges.add(left + " " + right);
      }
    }
    return merges;
  }

  private static String randomText(Random random) {
    StringBuilder text = new StringBuilder();
    int parts = random.nextInt(60);
    for (int i = 0; i < parts; i++) {
      String alphabet = ALPHABETS.get(random.nextInt(ALPHABETS.size()));
      switch (random.nextInt(8)) {
        case 0 -> text.append(FRAGMENTS.get(random.nextInt(FRAGMENTS.size())));
        case 1 -> text.append(alphabet.charAt(0)).repeat(' ', random.nextInt(40));
        case 2 -> text.appendCodePoint(random.nextInt(Character.MAX_CODE_POINT + 1));
        default -> {
          int[] characters = alphabet.codePoints().toArray();
          text.appendCodePoint(characters[random.nextInt(characters.length)]);
        }
      }
    }
    return text.toString();
  }
}
