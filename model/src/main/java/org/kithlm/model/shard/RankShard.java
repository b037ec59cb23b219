package org.kithlm.model.shard;

/**
 * One rank's slice of every layer. Attention and FFN may be empty; query head {@code h} reads KV
 * head {@code h / (heads / kvHeads)}, so neighbouring ranks may both hold a KV head.
 *
 * @param rank this rank, 0 is the root
 * @param worldSize number of ranks
 * @param firstHead first query head
 * @param headCount query heads
 * @param firstKvHead first KV head
 * @param kvHeadCount KV heads
 * @param firstFfnColumn first column of ffn_down, which is the first row of gate and up
 * @param ffnColumnCount columns of ffn_down
 * @param hasHead whether this rank holds the output head
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
    boolean hasHead,
    AttentionPlacement attention) {}
