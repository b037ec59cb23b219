package org.kithlm.node.rank;

import java.util.concurrent.CompletionStage;
import org.kithlm.node.control.RankAssignment;

/** Brings the weights of rank 0 into memory. */
@FunctionalInterface
public interface RootRankLoader {
  /** Starts to load; returns at once. A failure's message names the cause. */
  CompletionStage<RootRank> load(RankAssignment assignment);
}
