package org.kithlm.model.transformer;

/** Sums the partial results of all ranks. Called from the rank's compute thread. */
public interface Allreduce {
  /** The half of a layer that ends with the sum. */
  enum Block {
    /** Attention. */
    ATTENTION,
    /** Feed-forward network. */
    FFN
  }

  /**
   * Replaces {@code values[0, length)} by the sum over all ranks, added in rank order, so that
   * every rank holds the same bits.
   *
   * @throws RuntimeException if the step was aborted or a peer is lost; the content is undefined
   *     then
   */
  void sum(int layer, Block block, float[] values, int length);

  /** One rank alone: the partial sum is the sum. */
  static Allreduce alone() {
    return (layer, block, values, length) -> {};
  }
}
