package org.kithlm.model.shard;

import java.util.Locale;

/** Who computes the attention blocks of a model whose FFN blocks all ranks share. */
public enum AttentionPlacement {
  /** Each rank computes its heads, and a sum over the ranks follows each block. */
  SPLIT,

  /**
   * Each rank computes all heads: as many sums less as there are layers, for more arithmetic,
   * weights, keys and values on each rank. The results have the same bits on all of them.
   */
  REPLICATED;

  /** As the command line has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
