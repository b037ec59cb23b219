package org.kithlm.node.rank;

import org.kithlm.model.transformer.Allreduce;

/**
 * A session's collectives, as the model calls them.
 *
 * @param allreduce sums over all ranks
 * @param allgather collects what each rank has formed alone
 */
record SessionSums(Sum allreduce, Gather allgather) implements Allreduce {
  /** A session's allreduce; {@code block} is {@link SessionConfigs#number}. */
  @FunctionalInterface
  interface Sum {
    void sum(int layer, int block, double[] partial, float[] sum, int length);
  }

  /** A session's allgather. */
  @FunctionalInterface
  interface Gather {
    void gather(int layer, int block, double[] partial, float[] sum, int[] ends);
  }

  @Override
  public void sum(int layer, Block block, double[] partial, float[] sum, int length) {
    allreduce.sum(layer, SessionConfigs.number(block), partial, sum, length);
  }

  @Override
  public void gather(int layer, Block block, double[] partial, float[] sum, int[] ends) {
    allgather.gather(layer, SessionConfigs.number(block), partial, sum, ends);
  }
}
