package org.kithlm.model.shard;

/**
 * One rank's slice of every layer and of the output head. Attention, FFN and output head may be
 * empty; query head {@code h} reads KV head {@code h / (heads / kvHeads)}, so neighbouring ranks
 * may both hold a KV head.
 *
 * @param rank this rank, 0 is the root
 * @param worldSize number of ranks
 * @param firstHead first query head
 * @param headCount query heads
 * @param firstKvHead first KV head
 * @param kvHeadCount KV heads
 * @param firstFfnColumn first column of ffn_down, which is the first row of gate and up
 * @param ffnColumnCount columns of ffn_down
 * @param firstLogit first row of the output head, which is a token id
 * @param logitCount rows of the output head
 * @param attention whether the heads of this rank are a part of the sum after attention, or all
 */
public record RankShard(
    int rank,
    int worldSize,
    int firstHead,
    int headCount,
    int firstKvHead,
    int kvHeadCount,
    int firstFfnColumn,
    int ffnColumnCount,
    int firstLogit,
    int logitCount,
    AttentionPlacement attention) {
  /** The same with other rows of the output head. */
  RankShard withLogits(int first, int count) {
    return new RankShard(
        rank,
        worldSize,
        firstHead,
        headCount,
        firstKvHead,
        kvHeadCount,
        firstFfnColumn,
        ffnColumnCount,
        first,
        count,
        attention);
  }
}
