package org.kithlm.model.tokenizer;

import java.util.Arrays;

/**
 * The tokens that have a text, in the order of their bytes, so that those which begin alike stand
 * together. Takes some 17 bytes a token, also while it is made. Immutable.
 */
public final class SortedTokens {
  private final byte[] bytes; // of all tokens by id
  private final int[] starts; // of each token in bytes, and the end of the last
  private final int[] ids; // in order
  private final short[] shared; // bytes that a token begins with as the one before it does
  private final int longestBytes;

  SortedTokens(Tokenizer tokenizer) {
    int size = tokenizer.vocabularySize();
    starts = new int[size + 1];
    int longest = 0;
    int count = 0;
    for (int id = 0; id < size; id++) {
      int length = text(tokenizer, id).length;
      starts[id + 1] = Math.addExact(starts[id], length);
      longest = Math.max(longest, length);
      count += length > 0 ? 1 : 0;
    }
    longestBytes = longest;
    bytes = new byte[starts[size]];
    ids = new int[count];
    int next = 0;
    for (int id = 0; id < size; id++) {
      byte[] text = text(tokenizer, id);
      System.arraycopy(text, 0, bytes, starts[id], text.length);
      if (text.length > 0) {
        ids[next++] = id;
      }
    }
    sort();
    shared = new short[count];
    for (int i = 1; i < count; i++) {
      int a = ids[i - 1];
      int b = ids[i];
      int differs =
          Arrays.mismatch(bytes, starts[a], starts[a + 1], bytes, starts[b], starts[b + 1]);
      shared[i] = (short) (differs < 0 ? lengthBytes(i) : differs);
    }
  }

  /** A token's bytes; none for one without a text or with one that is too long to count. */
  private static byte[] text(Tokenizer tokenizer, int id) {
    byte[] text =
        tokenizer.isControl(id) || tokenizer.isEndOfGeneration(id)
            ? new byte[0]
            : tokenizer.tokenBytes(id);
    return text.length <= Short.MAX_VALUE ? text : new byte[0];
  }

  /** Heapsort: a sort of objects would take several times the memory of all else here. */
  private void sort() {
    for (int i = ids.length / 2 - 1; i >= 0; i--) {
      sift(i, ids.length);
    }
    for (int end = ids.length - 1; end > 0; end--) {
      int greatest = ids[0];
      ids[0] = ids[end];
      ids[end] = greatest;
      sift(0, end);
    }
  }

  /** Moves a token down to where both below it are less. */
  private void sift(int from, int end) {
    int id = ids[from];
    int hole = from;
    for (int child = 2 * hole + 1; child < end; child = 2 * hole + 1) {
      if (child + 1 < end && compare(ids[child], ids[child + 1]) < 0) {
        child++;
      }
      if (compare(ids[child], id) <= 0) {
        break;
      }
      ids[hole] = ids[child];
      hole = child;
    }
    ids[hole] = id;
  }

  private int compare(int a, int b) {
    int order =
        Arrays.compareUnsigned(bytes, starts[a], starts[a + 1], bytes, starts[b], starts[b + 1]);
    return order == 0 ? Integer.compare(a, b) : order;
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
    return starts[ids[index] + 1] - starts[ids[index]];
  }

  /** A byte of a token, 0 to 255. */
  public int byteAt(int index, int at) {
    return Byte.toUnsignedInt(bytes[starts[ids[index]] + at]);
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
