package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.kithlm.model.gguf.GgufException;

class TokenizerTest {
  private static final String MARK = "\u2581";

  @Test
  void shouldTakeAWordThatIsATokenWholeInLlama3Only() {
    // "abc" is a token that no merge reaches: a+b comes first and ab+c is no merge.
    List<String> merges = List.of("a b", "b c", "a bc");
    Map<String, Object> llama3 = SmallVocabularies.byteLevel("llama-bpe", merges, Map.of());
    llama3.put("tokenizer.ggml.add_bos_token", false);
    assertArrayEquals(
        new int[] {258}, SmallVocabularies.tokenizer(llama3).encode("abc", false, false));
    assertArrayEquals(new int[] {256, 'c'}, ids("gpt-2", merges, "abc"));
  }

  @Test
  void shouldStartLlama3PromptsWithBosUnlessToldOtherwise() {
    Map<String, Object> values =
        SmallVocabularies.byteLevel("llama-bpe", List.of(), Map.of("<s>", TokenType.CONTROL));
    values.put("tokenizer.ggml.bos_token_id", 256L);
    assertArrayEquals(new int[] {256}, SmallVocabularies.tokenizer(values).encodePrompt(""));
    values.put("tokenizer.ggml.add_bos_token", false);
    assertArrayEquals(new int[0], SmallVocabularies.tokenizer(values).encodePrompt(""));
  }

  @Test
  void shouldEndPromptsWithEosWhereTheModelAsksForIt() {
    Map<String, Object> values =
        SmallVocabularies.byteLevel("gpt-2", List.of(), Map.of("</s>", TokenType.CONTROL));
    values.put("tokenizer.ggml.eos_token_id", 256L);
    values.put("tokenizer.ggml.add_eos_token", true);
    Tokenizer tokenizer = SmallVocabularies.tokenizer(values);
    assertArrayEquals(new int[] {256}, tokenizer.encodePrompt(""));
    assertArrayEquals(new int[0], tokenizer.encode("", true, false));
  }

  @Test
  void shouldPutASpaceBeforeTextAtTheStartAndAfterSpecialTokens() {
    Map<String, TokenType> pieces = new LinkedHashMap<>();
    pieces.put(MARK + "a", TokenType.NORMAL);
    pieces.put(MARK, TokenType.NORMAL);
    pieces.put("a", TokenType.NORMAL);
    pieces.put("<t>", TokenType.USER_DEFINED);
    Tokenizer tokenizer = SmallVocabularies.tokenizer(SmallVocabularies.scored(pieces));
    int[] ids = tokenizer.encode("aa<t>a", false, false);
    assertArrayEquals(new int[] {0, 2, 3, 0}, ids);
    assertEquals("aa<t> a", tokenizer.decode(ids));
  }

  @Test
  void shouldFallBackToBytesForUnknownCharacters() {
    Map<String, TokenType> pieces = Map.of("a", TokenType.NORMAL);
    Map<String, Object> values = SmallVocabularies.scored(pieces);
    values.put("tokenizer.ggml.add_space_prefix", false);
    Tokenizer tokenizer = SmallVocabularies.tokenizer(values);
    int[] ids = tokenizer.encode("aé", false, false);
    assertArrayEquals(new int[] {0, 1 + 0xC3, 1 + 0xA9}, ids);
    assertEquals("aé", tokenizer.decode(ids));
  }

  @Test
  void shouldReplaceUnpairedSurrogates() {
    Tokenizer tokenizer =
        SmallVocabularies.tokenizer(SmallVocabularies.byteLevel("gpt-2", List.of(), Map.of()));
    assertEquals("a\uFFFDb🙂", tokenizer.decode(tokenizer.encode("a\uD800b🙂", false, false)));
  }

  @Test
  void shouldEndAnAnswerAtKnownNamesAndAtIdsOfTheMetadata() {
    Map<String, TokenType> extras = new LinkedHashMap<>();
    extras.put("<|im_end|>", TokenType.CONTROL);
    extras.put("<stop>", TokenType.CONTROL);
    extras.put("<|file_sep|>", TokenType.CONTROL);
    extras.put("<go>", TokenType.CONTROL);
    Map<String, Object> values = SmallVocabularies.byteLevel("gpt-2", List.of(), extras);
    values.put("tokenizer.ggml.eot_token_id", 257L);
    Tokenizer tokenizer = SmallVocabularies.tokenizer(values);
    assertTrue(tokenizer.isEndOfGeneration(256));
    assertTrue(tokenizer.isEndOfGeneration(257));
    assertTrue(tokenizer.isEndOfGeneration(258));
    assertFalse(tokenizer.isEndOfGeneration(259));
  }

  @Test
  void shouldNameAnUnknownModel() {
    Map<String, Object> values = SmallVocabularies.scored(Map.of("a", TokenType.NORMAL));
    values.put("tokenizer.ggml.model", "rwkv");
    assertMessage("tokenizer.ggml.model=rwkv", values);
  }

  @Test
  void shouldNameAMergeOfUnknownPieces() {
    Map<String, Object> values = SmallVocabularies.byteLevel("gpt-2", List.of(), Map.of());
    values.put("tokenizer.ggml.merges", List.of("a b"));
    assertMessage("tokenizer.ggml.merges[0]='a b'", values);
    values.put("tokenizer.ggml.merges", List.of("ab"));
    assertMessage("is not two pieces", values);
  }

  @Test
  void shouldRefuseArraysOfAnotherLengthThanTheVocabulary() {
    Map<String, Object> values = SmallVocabularies.scored(Map.of("a", TokenType.NORMAL));
    values.put("tokenizer.ggml.scores", new float[3]);
    assertMessage("tokenizer.ggml.scores has 3 entries for 257 tokens", values);
    values.put("tokenizer.ggml.token_type", new long[] {1});
    assertMessage("tokenizer.ggml.token_type has 1 entries for 257 tokens", values);
  }

  @Test
  void shouldNameDamagedNumbers() {
    Map<String, Object> values = SmallVocabularies.byteLevel("gpt-2", List.of(), Map.of());
    values.put("tokenizer.ggml.bos_token_id", 256L);
    assertMessage("tokenizer.ggml.bos_token_id=256 is not in a vocabulary of 256", values);
    values.remove("tokenizer.ggml.bos_token_id");
    values.put("tokenizer.ggml.add_bos_token", true);
    assertMessage("tokenizer.ggml.bos_token_id is missing", values);
    long[] types = new long[256];
    types[7] = 9;
    Arrays.fill(types, 0, 7, 1);
    values.put("tokenizer.ggml.token_type", types);
    assertMessage("tokenizer.ggml.token_type[7]=9", values);
  }

  @Test
  void shouldNameAByteTokenThatSpellsNoByte() {
    assertMessage("'<byte>'", SmallVocabularies.scored(Map.of("<byte>", TokenType.BYTE)));
  }

  @Test
  void shouldNameATokenOutsideTheVocabulary() {
    Tokenizer tokenizer =
        SmallVocabularies.tokenizer(SmallVocabularies.byteLevel("gpt-2", List.of(), Map.of()));
    IllegalArgumentException thrown =
        assertThrows(IllegalArgumentException.class, () -> tokenizer.tokenBytes(256));
    assertEquals("token 256 is not in a vocabulary of 256", thrown.getMessage());
  }

  private static int[] ids(String preTokenizer, List<String> merges, String text) {
    return SmallVocabularies.tokenizer(SmallVocabularies.byteLevel(preTokenizer, merges, Map.of()))
        .encode(text, false, false);
  }

  private static void assertMessage(String part, Map<String, Object> values) {
    GgufException thrown =
        assertThrows(GgufException.class, () -> SmallVocabularies.tokenizer(values));
    assertTrue(String.valueOf(thrown.getMessage()).contains(part), thrown.getMessage());
  }
}
