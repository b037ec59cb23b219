package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpecialTokensTest {
  private static final long SEED = 20261123;

  @Test
  void shouldPreferTheLongestWhereverItStands() {
    assertEquals(List.of("<ab", "#bcd", "#e"), split("<abbcde", false, "bcd", "e"));
    assertEquals(List.of("a", "#bcd"), split("abcd", false, "ab", "bcd"));
  }

  @Test
  void shouldCutWhiteSpaceRunsFromTheLeft() {
    assertEquals(List.of("x", "#   ", "#  ", "y"), split("x     y", false, "  ", "   "));
  }

  @Test
  void shouldLeaveControlTokensInTextUnlessParsed() {
    TokenType[] types = {TokenType.CONTROL, TokenType.USER_DEFINED};
    SpecialTokens specials = new SpecialTokens(List.of("<s>", "<t>"), types);
    assertEquals(List.of("a<s>", "#<t>"), split(specials, "a<s><t>", false));
    assertEquals(List.of("a", "#<s>", "#<t>"), split(specials, "a<s><t>", true));
  }

  @Test
  void shouldTakeControlTokensFromTrustedCharactersOnly() {
    SpecialTokens specials = new SpecialTokens(List.of("<s>"), new TokenType[] {TokenType.CONTROL});
    BitSet trusted = new BitSet();
    trusted.set(0, 5); // the first token, and half of the second
    assertEquals(List.of("#<s>", "<s><s>"), split(specials, "<s><s><s>", trusted));
  }

  @Test
  void shouldCutAsOnePassPerTokenDoes() {
    Random random = new Random(SEED);
    for (int round = 0; round < 2000; round++) {
      String[] tokens =
          random
              .ints(1 + random.nextInt(6), 1, 5)
              .mapToObj(length -> randomText(random, length))
              .distinct()
              // Tokens of one length have no order among themselves but that of their ids.
              .toArray(String[]::new);
      String text = randomText(random, random.nextInt(30));
      List<String> expected = new ArrayList<>(text.isEmpty() ? List.of() : List.of(text));
      Arrays.stream(tokens)
          .sorted(Comparator.comparingInt(String::length).reversed())
          .forEach(token -> cutByDefinition(expected, token));
      assertEquals(
          expected,
          split(text, false, tokens),
          "seed=" + SEED + " round=" + round + " " + text + " " + List.of(tokens));
    }
  }

  private static void cutByDefinition(List<String> parts, String token) {
    for (int i = 0; i < parts.size(); i++) {
      String part = parts.get(i);
      int at = part.startsWith("#") ? -1 : part.indexOf(token);
      if (at >= 0) {
        List<String> cut =
            new ArrayList<>(
                List.of(part.substring(0, at), "#" + token, part.substring(at + token.length())));
        cut.removeIf(String::isEmpty);
        parts.remove(i);
        parts.addAll(i, cut);
      }
    }
  }

  private static List<String> split(String text, boolean parseSpecial, String... tokens) {
    TokenType[] types = new TokenType[tokens.length];
    Arrays.fill(types, TokenType.USER_DEFINED);
    return split(new SpecialTokens(List.of(tokens), types), text, parseSpecial);
  }

  /** The parts of a text, those that are tokens marked. */
  private static List<String> split(SpecialTokens specials, String text, boolean parseSpecial) {
    BitSet trusted = new BitSet();
    trusted.set(0, parseSpecial ? text.length() : 0);
    return split(specials, text, trusted);
  }

  private static List<String> split(SpecialTokens specials, String text, BitSet trusted) {
    List<String> parts = new ArrayList<>();
    int[] done = {0};
    specials.split(
        text,
        trusted,
        new SpecialTokens.Parts() {
          @Override
          public void text(int from, int to) {
            assertNoGap(from);
            parts.add(text.substring(from, to));
            done[0] = to;
          }

          @Override
          public void token(int from, int to, int id) {
            assertNoGap(from);
            parts.add("#" + text.substring(from, to));
            done[0] = to;
          }

          private void assertNoGap(int from) {
            assertEquals(done[0], from, "parts leave no gap");
          }
        });
    assertEquals(text.length(), done[0], "parts reach the end");
    return parts;
  }

  private static String randomText(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
