package org.kithlm.node.control;

import java.util.concurrent.CompletionStage;

/** Brings the weights of a rank into memory. */
@FunctionalInterface
public interface LeafRankLoader {
  /**
   * Starts to load; returns at once.
   *
   * @return the rank, or a failure whose message names the cause
   */
  CompletionStage<LeafRank> load(RankAssignment assignment, NodeMessage.WeightOrigin origin);
}
