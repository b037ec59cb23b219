package org.kithlm.model.tokenizer;

import java.util.Arrays;

/** Which pair of tokens merges before which: a hash table from pair to rank, 12 bytes a slot. */
final class PairRanks {
  /** The answer for a pair that does not merge. */
  static final int NONE = Integer.MAX_VALUE;

  private static final long FREE = -1;

  private final long[] pairs;
  private final int[] ranks;

  PairRanks(int count) {
    int slots = Integer.highestOneBit(Math.max(1, count + count / 3)) * 2; // at most 3/4 full
    pairs = new long[slots];
    ranks = new int[slots];
    Arrays.fill(pairs, FREE);
  }

  /** Adds a pair; where it comes twice the first rank stays. */
  void add(int left, int right, int rank) {
    int slot = slot(pair(left, right));
    if (pairs[slot] == FREE) {
      pairs[slot] = pair(left, right);
      ranks[slot] = rank;
    }
  }

  /** The rank of a pair, or {@link #NONE}. */
  int rank(int left, int right) {
    int slot = slot(pair(left, right));
    return pairs[slot] == FREE ? NONE : ranks[slot];
  }

  private int slot(long pair) {
    long hash = pair * 0x9E3779B97F4A7C15L;
    int slot = (int) (hash >>> 32) & (pairs.length - 1);
    while (pairs[slot] != FREE && pairs[slot] != pair) {
      slot = (slot + 1) & (pairs.length - 1);
    }
    return slot;
  }

  private static long pair(int left, int right) {
    return ((long) left << 32) | right;
  }
}
