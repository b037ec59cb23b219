package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SortedTokensTest {
  private static final long SEED = 3;

  private final Tokenizer tokenizer =
      SmallVocabularies.tokenizer(
          SmallVocabularies.byteLevel(
              "gpt-2",
              List.of("a b", "ab c", "a a", "aa a", "b c"),
              Map.of("<end>", TokenType.CONTROL, "<tool>", TokenType.USER_DEFINED)));
  private final SortedTokens tokens = tokenizer.sortedTokens();

  private byte[] bytes(int index) {
    return tokenizer.tokenBytes(tokens.id(index));
  }

  @Test
  void shouldHoldEachTokenWithATextInOrder() {
    assertArrayEquals(
        IntStream.range(0, tokenizer.vocabularySize())
            .filter(id -> !tokenizer.isControl(id))
            .toArray(),
        IntStream.range(0, tokens.size()).map(tokens::id).sorted().toArray());
    for (int i = 0; i < tokens.size(); i++) {
      byte[] text = bytes(i);
      assertEquals(text.length, tokens.lengthBytes(i));
      for (int at = 0; at < text.length; at++) {
        assertEquals(Byte.toUnsignedInt(text[at]), tokens.byteAt(i, at));
      }
      if (i > 0) {
        assertEquals(-1, Integer.signum(Arrays.compareUnsigned(bytes(i - 1), text)));
        assertEquals(Arrays.mismatch(bytes(i - 1), text), tokens.sharedBytes(i));
      }
    }
  }

  @Test
  void shouldFindTheLongestToken() {
    Random random = new Random(SEED);
    for (int round = 0; round < 1000; round++) {
      byte[] text = new byte[1 + random.nextInt(6)];
      for (int i = 0; i < text.length; i++) {
        text[i] = (byte) ('a' + random.nextInt(3));
      }
      int longest = 0;
      for (int i = 0; i < tokens.size(); i++) {
        int length = bytes(i).length;
        boolean begins =
            length <= text.length && Arrays.equals(bytes(i), 0, length, text, 0, length);
        longest = begins ? Math.max(longest, length) : longest;
      }
      String context = "seed=" + SEED + " " + new String(text, StandardCharsets.US_ASCII);
      assertEquals(longest, tokens.lengthBytes(tokens.longestAt(text, 0)), context);
    }
    assertEquals(-1, tokens.longestAt(new byte[0], 0));
  }
}
