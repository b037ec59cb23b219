package org.kithlm.model.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PairMergerTest {
  private static final long SEED = 20261123;

  @Test
  void shouldMergeAsTheQuadraticDefinitionOfBytePairEncoding() {
    Random random = new Random(SEED);
    for (int round = 0; round < 200; round++) {
      List<String> merges = new ArrayList<>();
      List<String> pieces = new ArrayList<>(List.of("a", "b", "c"));
      for (int i = 0; i < 12; i++) {
        String left = pieces.get(random.nextInt(pieces.size()));
        String right = pieces.get(random.nextInt(pieces.size()));
        if (!pieces.contains(left + right)) {
          pieces.add(left + right);
          merges.add(left + " " + right);
        }
      }
      Map<String, Object> values = SmallVocabularies.byteLevel("gpt-2", merges, Map.of());
      assertSameTokens(random, values, merges, round);
    }
  }

  @Test
  void shouldMergeAsTheQuadraticDefinitionOfScoredPieces() {
    Random random = new Random(SEED);
    for (int round = 0; round < 200; round++) {
      Map<String, TokenType> pieces = new LinkedHashMap<>();
      for (int i = 0; i < 15; i++) {
        pieces.put(randomText(random, 2 + random.nextInt(3)), TokenType.NORMAL);
      }
      List<String> order = List.copyOf(pieces.keySet());
      List.of("a", "b", "c").forEach(piece -> pieces.put(piece, TokenType.NORMAL));
      Map<String, Object> values = SmallVocabularies.scored(pieces);
      values.put("tokenizer.ggml.add_space_prefix", false);
      List<String> merges = new ArrayList<>();
      for (String piece : order) {
        for (int cut = 1; cut < piece.length(); cut++) {
          merges.add(piece.substring(0, cut) + " " + piece.substring(cut));
        }
      }
      assertSameTokens(random, values, merges, round);
    }
  }

  /** Merges of one piece rank alike where they give the same piece, as scores do. */
  private static void assertSameTokens(
      Random random, Map<String, Object> values, List<String> merges, int round) {
    Tokenizer tokenizer = SmallVocabularies.tokenizer(values);
    for (int i = 0; i < 20; i++) {
      String text = randomText(random, 1 + random.nextInt(40));
      List<String> actual =
          IntStream.of(tokenizer.encode(text, false, false))
              .mapToObj(id -> tokenizer.decode(id))
              .toList();
      assertEquals(
          mergedByDefinition(text, merges),
          actual,
          "seed=" + SEED + " round=" + round + " " + text);
    }
  }

  private static List<String> mergedByDefinition(String text, List<String> merges) {
    List<String> symbols = new ArrayList<>(List.of(text.split("")));
    while (true) {
      int best = -1;
      int bestRank = Integer.MAX_VALUE;
      for (int i = 0; i + 1 < symbols.size(); i++) {
        String joined = symbols.get(i) + symbols.get(i + 1);
        boolean mergeable = merges.contains(symbols.get(i) + " " + symbols.get(i + 1));
        int rank =
            IntStream.range(0, merges.size())
                .filter(r -> merges.get(r).replace(" ", "").equals(joined))
                .findFirst()
                .orElse(Integer.MAX_VALUE);
        if (mergeable && rank < bestRank) {
          best = i;
          bestRank = rank;
        }
      }
      if (best < 0) {
        return symbols;
      }
      symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
    }
  }

  private static String randomText(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(3)));
    }
    return text.toString();
  }
}
