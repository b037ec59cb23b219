package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StreamingDetokenizerTest {
  private static final int CONTROL_ID = 256;

  // Ids 0 to 255 are the bytes.
  private final Tokenizer tokenizer =
      SmallVocabularies.tokenizer(
          SmallVocabularies.byteLevel("gpt-2", List.of(), Map.of("<end>", TokenType.CONTROL)));
  private final StreamingDetokenizer detokenizer = new StreamingDetokenizer(tokenizer);

  @Test
  void shouldHoldACharacterBackUntilItsLastByte() {
    assertEquals("", detokenizer.accept(0xF0));
    assertEquals("", detokenizer.accept(0x9F));
    assertEquals("", detokenizer.accept(0x99));
    assertEquals("🙂", detokenizer.accept(0x82));
    assertEquals("", detokenizer.flush());
  }

  @Test
  void shouldReplaceAnIncompleteCharacterAtTheEnd() {
    assertEquals("", detokenizer.accept(0xE4));
    assertEquals("", detokenizer.accept(0xBD));
    assertEquals("\uFFFD", detokenizer.flush());
  }

  @Test
  void shouldReplaceAnIncompleteCharacterBeforeAnother() {
    assertEquals("", detokenizer.accept(0xE4));
    assertEquals("\uFFFDa", detokenizer.accept('a'));
    assertEquals("\uFFFD", detokenizer.accept(0xFF));
  }

  @Test
  void shouldNotShowControlTokens() {
    assertEquals("a", detokenizer.accept('a'));
    assertEquals("", detokenizer.accept(CONTROL_ID));
    assertEquals("b", detokenizer.accept('b'));
  }

  @Test
  void shouldReplaceAsDecodingAllBytesAtOnceDoes() {
    byte[] bytes = {'a', (byte) 0xF0, (byte) 0x9F, (byte) 0xC3, 'b', (byte) 0xE2, (byte) 0x82};
    StringBuilder text = new StringBuilder();
    for (byte value : bytes) {
      text.append(detokenizer.accept(value & 0xFF));
    }
    text.append(detokenizer.flush());
    assertEquals(new String(bytes, StandardCharsets.UTF_8), text.toString());
  }
}
