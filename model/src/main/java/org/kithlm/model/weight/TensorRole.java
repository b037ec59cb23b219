package org.kithlm.model.weight;

/** The weight matrices that are split over ranks, in the order in which a token meets them. */
public enum TensorRole {
  /** Query projection [heads * headDim x hidden]; split by row. */
  ATTN_Q(Split.ROWS),
  /** Key projection [kvHeads * headDim x hidden]; split by row. */
  ATTN_K(Split.ROWS),
  /** Value projection [kvHeads * headDim x hidden]; split by row. */
  ATTN_V(Split.ROWS),
  /** Attention output projection [hidden x heads * headDim]; split by column. */
  ATTN_OUTPUT(Split.COLUMNS),
  /** FFN gate [ffn x hidden]; split by row. */
  FFN_GATE(Split.ROWS),
  /** FFN up [ffn x hidden]; split by row. */
  FFN_UP(Split.ROWS),
  /** FFN down [hidden x ffn]; split by column. */
  FFN_DOWN(Split.COLUMNS),
  /** Output head [vocabulary x hidden]; on the root, split by row where it is shared. */
  LM_HEAD(Split.ROWS);

  /** How a matrix is cut into shards. */
  public enum Split {
    /** Each rank holds whole rows: its slice of the output. */
    ROWS,
    /** Each rank holds whole columns: a partial sum of every output. */
    COLUMNS
  }

  private final Split split;

  TensorRole(Split split) {
    this.split = split;
  }

  /** How this matrix is cut. */
  public Split split() {
    return split;
  }
}
