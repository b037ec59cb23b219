package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kithlm.model.gguf.GgufException;

class PreTokenizerTest {
  @Test
  void shouldKeepOneSpaceWithItsWordInGpt2() {
    assertEquals(
        List.of("I", "'ve", "  ", " 12345", " \n", "\t", "tabs", "'", "LL", "!?", "  "),
        words("gpt-2", "I've   12345 \n\ttabs'LL!?  "));
  }

  @Test
  void shouldCutDigitsSinglyInSmollm() {
    assertEquals(List.of("v", "1", "2", " ", "3", " x"), words("smollm", "v12 3 x"));
  }

  @Test
  void shouldCutDigitsInThreesInLlama3() {
    assertEquals(
        List.of("123", "45", "'LL", "\tx", " ()\n\n", " \n", " ", " y"),
        words("llama-bpe", "12345'LL\tx ()\n\n \n  y"));
  }

  @Test
  void shouldCutDigitsSinglyInQwen2() {
    assertEquals(List.of("1", "2", "x", "'ſ"), words("qwen2", "12x'ſ"));
  }

  @Test
  void shouldCutPunctuationFirstByDefault() {
    assertEquals(List.of("a", "--$", " ", "123", "45"), words("default", "a--$ 12345"));
  }

  @Test
  void shouldTakeUnicodeSpacesAsSpaces() {
    assertEquals(List.of("a", "\u00A0", "\u3000b"), words("qwen2", "a\u00A0\u3000b"));
    assertEquals(List.of("a", "\u00A0", "\u3000", "b"), words("gpt-2", "a\u00A0\u3000b"));
  }

  @Test
  void shouldNameAnUnknownPreTokenizerAndTheKnownOnes() {
    GgufException thrown = assertThrows(GgufException.class, () -> PreTokenizer.of("klingon"));
    String message = String.valueOf(thrown.getMessage());
    assertTrue(message.contains("tokenizer.ggml.pre=klingon"), message);
    assertTrue(message.contains("llama-bpe"), message);
  }

  private static List<String> words(String preTokenizer, String text) {
    List<String> words = new ArrayList<>();
    PreTokenizer.of(preTokenizer).split(text, (from, to) -> words.add(text.substring(from, to)));
    assertEquals(text, String.join("", words));
    return words;
  }
}
