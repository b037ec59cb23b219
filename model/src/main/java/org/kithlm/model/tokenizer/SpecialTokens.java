package org.kithlm.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Cuts the tokens with a fixed text out of a prompt: the longest first wherever they stand, the
 * leftmost first among those of one text. User-defined ones are always cut out, control tokens only
 * where that is asked for (what a user types should not steer the model).
 */
final class SpecialTokens {
  private final List<Special> sorted; // by text
  private final BitSet firstChars = new BitSet();

  private record Special(String text, int id, int lengthBytes, boolean hidden) {}

  SpecialTokens(List<String> tokens, TokenType[] types) {
    List<Special> specials = new ArrayList<>();
    for (int id = 0; id < types.length; id++) {
      if (!types[id].isHidden() && types[id] != TokenType.USER_DEFINED) {
        continue; // nearly all, whose texts need not be made
      }
      String text = tokens.get(id);
      if (!text.isEmpty()) {
        int lengthBytes = text.getBytes(StandardCharsets.UTF_8).length;
        specials.add(new Special(text, id, lengthBytes, types[id].isHidden()));
        firstChars.set(text.charAt(0));
      }
    }
    specials.sort(Comparator.comparing(Special::text));
    sorted = List.copyOf(specials);
  }

  /** Takes the parts of a prompt in order. */
  interface Parts {
    /** The text {@code [from, to)}, not empty. */
    void text(int from, int to);

    /** A special token, which stands at {@code [from, to)}. */
    void token(int from, int to, int id);
  }

  /**
   * Passes on the parts of a text.
   *
   * @param trusted the characters that control tokens may consist of
   */
  void split(String text, BitSet trusted, Parts parts) {
    BitSet claimed = new BitSet();
    List<Special> present = present(text, !trusted.isEmpty());
    int[] specialAt = new int[present.isEmpty() ? 0 : text.length()]; // index in present
    for (int i = 0; i < present.size(); i++) {
      String special = present.get(i).text();
      boolean hidden = present.get(i).hidden();
      int at = text.indexOf(special);
      while (at >= 0) {
        int taken = claimed.nextSetBit(at);
        int end = at + special.length();
        if (hidden && trusted.nextClearBit(at) < end) {
          end = at + 1; // somebody else's text, or half of it
        } else if (taken >= 0 && taken < end) {
          end = claimed.nextClearBit(taken);
        } else {
          claimed.set(at, end);
          specialAt[at] = i;
        }
        at = text.indexOf(special, end);
      }
    }
    int at = 0;
    while (at < text.length()) {
      if (claimed.get(at)) {
        Special special = present.get(specialAt[at]);
        int end = at + special.text().length();
        parts.token(at, end, special.id());
        at = end;
      } else {
        int next = claimed.nextSetBit(at);
        int end = next < 0 ? text.length() : next;
        parts.text(at, end);
        at = end;
      }
    }
  }

  /** Those that occur in a text, the longest first. */
  private List<Special> present(String text, boolean parseSpecial) {
    BitSet found = new BitSet();
    for (int from = 0; from < text.length(); from++) {
      if (firstChars.get(text.charAt(from))) {
        findAt(text, from, found);
      }
    }
    return found.stream()
        .mapToObj(sorted::get)
        .filter(special -> parseSpecial || !special.hidden())
        .sorted(
            Comparator.comparingInt(Special::lengthBytes).reversed().thenComparingInt(Special::id))
        .toList();
  }

  /** Narrows the sorted texts character by character to those that stand at an index. */
  private void findAt(String text, int from, BitSet found) {
    int low = 0;
    int high = sorted.size();
    for (int depth = 0; low < high && from + depth < text.length(); depth++) {
      char c = text.charAt(from + depth);
      low = bound(low, high, depth, c);
      high = bound(low, high, depth, c + 1);
      for (int i = low; i < high && sorted.get(i).text().length() == depth + 1; i++) {
        found.set(i);
      }
    }
  }

  /** The first of {@code [low, high)} whose character at a depth is not below {@code c}. */
  private int bound(int low, int high, int depth, int c) {
    int first = low;
    int end = high;
    while (first < end) {
      int middle = (first + end) >>> 1;
      String text = sorted.get(middle).text();
      if (text.length() <= depth || text.charAt(depth) < c) {
        first = middle + 1;
      } else {
        end = middle;
      }
    }
    return first;
  }
}
