package org.kithlm.model.tokenizer;

import java.util.function.IntConsumer;

/** What a {@link PairMerger} asks of a vocabulary. */
interface MergeRules {
  /** The token that is {@code text[from, to)}, or {@link Vocabulary#NONE}. */
  int find(byte[] text, int from, int to);

  /**
   * When two neighbours merge: the lowest rank first.
   *
   * @param left token of the left one, or {@link Vocabulary#NONE}
   * @param right token of the right one, likewise
   * @param from start of the left one in {@code text}
   * @param to end of the right one
   * @return the rank, or {@link PairRanks#NONE}
   */
  int rank(int left, int right, byte[] text, int from, int to);

  /** Spells a symbol that is no token. */
  void spell(byte[] text, int from, int to, IntConsumer ids);
}
