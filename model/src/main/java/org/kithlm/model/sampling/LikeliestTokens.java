package org.kithlm.model.sampling;

import java.util.Arrays;

/**
 * The tokens with the highest logits, found with a bounded heap: O(n log count) at worst and near
 * O(n) on real logits, where few tokens beat the least one held. A token and its logit are one long
 * key that is larger for a higher logit and, among equals, for a lower id, so the order is total.
 * Not thread-safe; its array is reused.
 */
public final class LikeliestTokens {
  private long[] heap = new long[256]; // the least key first; sorted between calls
  private int length;

  /** Selects the {@code count} likeliest, or all where there are fewer. */
  void select(float[] logits, int count) {
    select(logits, 0, logits.length, count);
  }

  /**
   * Selects the {@code count} likeliest, or all where there are fewer, of some tokens.
   *
   * @param logits has those of the tokens from {@code first} on
   * @param tokens how many there are
   */
  public void select(float[] logits, int first, int tokens, int count) {
    length = Math.min(count, tokens);
    if (length == 0) {
      return;
    }
    if (heap.length < length) {
      heap = new long[length];
    }
    for (int token = 0; token < length; token++) {
      heap[token] = key(logits[first + token], token);
    }
    Arrays.sort(heap, 0, length); // ascending order is a valid heap
    for (int token = length; token < tokens; token++) {
      long key = key(logits[first + token], token);
      if (key > heap[0]) {
        replaceLeast(key);
      }
    }
    Arrays.sort(heap, 0, length);
  }

  int length() {
    return length;
  }

  /** Token at a rank, 0 being the likeliest, counted from the first one. */
  public int token(int rank) {
    return ~(int) heap[length - 1 - rank];
  }

  /** Key at a rank, 0 being the likeliest. */
  long key(int rank) {
    return heap[length - 1 - rank];
  }

  /** Orders tokens: the larger key is the likelier token. */
  static long key(float logit, int token) {
    int bits = Float.floatToRawIntBits(logit + 0f); // -0 becomes 0, which it ties with
    // Negative floats order backwards as integers: flip all bits but the sign.
    int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return ((long) ordered << 32) | Integer.toUnsignedLong(~token);
  }

  private void replaceLeast(long key) {
    int hole = 0;
    for (int child = 1; child < length; child = 2 * hole + 1) {
      if (child + 1 < length && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= key) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = key;
  }
}
