package org.kithlm.model.transformer;

/** Brings the partial results of all ranks together. Called from the rank's compute thread. */
public interface Allreduce {
  /** The half of a layer that ends with the sum. */
  enum Block {
    /** Attention. */
    ATTENTION,
    /** Feed-forward network. */
    FFN,
    /** Attention, of the rest of a step that is cut in two. */
    ATTENTION_REST,
    /** Feed-forward network, of that rest. */
    FFN_REST
  }

  /**
   * Adds {@code partial[0, length)} of all ranks into {@code sum}, in f64 and rounded once, so that
   * every rank holds the same bits, and the same as one rank alone would.
   *
   * @param partial this rank's terms; not changed
   * @throws RuntimeException if the step was aborted or a peer is lost; the sum is undefined then
   */
  void sum(int layer, Block block, double[] partial, float[] sum, int length);

  /**
   * Collects a vector of which each rank has formed a range alone, rounded as a sum is: an
   * allgather. Without links for it, a sum.
   *
   * @param partial this rank's terms of its range, at their places, and zeros; not changed
   * @param sum takes the vector
   * @param ends for each rank where its range ends; it begins where that of the rank before ends
   * @throws RuntimeException as {@link #sum} does
   */
  default void gather(int layer, Block block, double[] partial, float[] sum, int[] ends) {
    sum(layer, block, partial, sum, ends[ends.length - 1]);
  }

  /**
   * Begins a sum, and may return before it is there; the arrays are not to be touched until {@link
   * #finish}. One at a time.
   */
  default void begin(int layer, Block block, double[] partial, float[] sum, int length) {
    sum(layer, block, partial, sum, length);
  }

  /**
   * Waits for the sum that was begun.
   *
   * @throws RuntimeException as {@link #sum} does
   */
  default void finish() {}

  /** One rank alone: the partial sum is the sum. */
  static Allreduce alone() {
    return (layer, block, partial, sum, length) -> {
      for (int i = 0; i < length; i++) {
        sum[i] = (float) partial[i];
      }
    };
  }
}
