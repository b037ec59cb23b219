package org.kithlm.model.tokenizer;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The tokens that have a text, in the order of their bytes, so that those which begin alike stand
 * together. Takes about 16 bytes a token. Immutable.
 */
public final class SortedTokens {
  private final int[] ids;
  private final int[] starts; // of each token in bytes, and the end of the last
  private final byte[] bytes;
  private final short[] shared; // bytes that a token begins with as the one before it does
  private final int longestBytes;

  SortedTokens(Tokenizer tokenizer) {
    byte[][] texts = new byte[tokenizer.vocabularySize()][];
    for (int id = 0; id < texts.length; id++) {
      boolean hasText = !tokenizer.isControl(id) && !tokenizer.isEndOfGeneration(id);
      texts[id] = hasText ? tokenizer.tokenBytes(id) : new byte[0];
    }
    ids =
        IntStream.range(0, texts.length)
            .filter(id -> texts[id].length > 0 && texts[id].length <= Short.MAX_VALUE)
            .boxed()
            .sorted(Comparator.comparing(id -> texts[id], Arrays::compareUnsigned))
            .mapToInt(Integer::intValue)
            .toArray();
    starts = new int[ids.length + 1];
    shared = new short[ids.length];
    int longest = 0;
    for (int i = 0; i < ids.length; i++) {
      byte[] text = texts[ids[i]];
      starts[i + 1] = Math.addExact(starts[i], text.length);
      longest = Math.max(longest, text.length);
      int differs = i == 0 ? 0 : Arrays.mismatch(text, texts[ids[i - 1]]);
      shared[i] = (short) (differs < 0 ? text.length : differs);
    }
    longestBytes = longest;
    bytes = new byte[starts[ids.length]];
    for (int i = 0; i < ids.length; i++) {
      System.arraycopy(texts[ids[i]], 0, bytes, starts[i], texts[ids[i]].length);
    }
  }

  /** How many there are. */
  public int size() {
    return ids.length;
  }

  /** Length of the longest. */
  public int longestBytes() {
    return longestBytes;
  }

  /** The token at a place of the order. */
  public int id(int index) {
    return ids[index];
  }

  /** How many bytes a token has. */
  public int lengthBytes(int index) {
    return starts[index + 1] - starts[index];
  }

  /** A byte of a token, 0 to 255. */
  public int byteAt(int index, int at) {
    return Byte.toUnsignedInt(bytes[starts[index] + at]);
  }

  /** How many of its first bytes a token has in common with the one before it. */
  public int sharedBytes(int index) {
    return shared[index];
  }

  /**
   * The longest token that a text goes on with, as its place in the order.
   *
   * @return -1 where there is none
   */
  public int longestAt(byte[] text, int from) {
    int low = 0;
    int high = ids.length;
    int longest = -1;
    for (int at = 0; from + at < text.length; at++) {
      int b = Byte.toUnsignedInt(text[from + at]);
      low = bound(low, high, at, b);
      high = bound(low, high, at, b + 1);
      if (low == high) {
        break;
      }
      if (lengthBytes(low) == at + 1) {
        longest = low; // the shortest comes first
      }
    }
    return longest;
  }

  /** The first of {@code [from, to)} whose byte at a place is not below {@code b}. */
  private int bound(int from, int to, int at, int b) {
    int low = from;
    int high = to;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (lengthBytes(middle) <= at || byteAt(middle, at) < b) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
