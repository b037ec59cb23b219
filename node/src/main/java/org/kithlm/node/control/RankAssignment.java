package org.kithlm.node.control;

import java.util.List;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;

/**
 * One rank's part of a plan.
 *
 * @param epoch number of the plan; grows with every new one
 * @param rank this rank
 * @param shares relative share of the work per rank; their count is the world size
 * @param attention whether shares are of attention too, or of the FFN only
 * @param head whether shares are of the output head, too, or the root has it
 * @param packId identity of the pack file
 * @param contextLength positions that the KV cache must be able to hold
 * @param kvType how keys and values are kept
 * @param maxTokens bound on the tokens of a step; ranks with small heaps take fewer
 * @param collective how the ranks form sums
 * @param precision of what ranks send of sums
 * @param key seals what the ranks send each other
 */
public record RankAssignment(
    long epoch,
    int rank,
    List<Double> shares,
    AttentionPlacement attention,
    HeadPlacement head,
    String packId,
    int contextLength,
    KvType kvType,
    int maxTokens,
    CollectiveChoice collective,
    SumPrecision precision,
    EpochKey key) {
  /** Number of ranks. */
  public int worldSize() {
    return shares.size();
  }

  /** The same of another rank in another division of the work. */
  public RankAssignment withShares(int otherRank, List<Double> otherShares) {
    return new RankAssignment(
        epoch,
        otherRank,
        otherShares,
        attention,
        head,
        packId,
        contextLength,
        kvType,
        maxTokens,
        collective,
        precision,
        key);
  }
}
