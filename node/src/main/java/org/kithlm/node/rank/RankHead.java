package org.kithlm.node.rank;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.sampling.LikeliestTokens;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.transformer.LmHead;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.model.weight.WeightSource;

/**
 * A rank's rows of the output head. After a step that is to give logits each rank computes its own,
 * and the root collects them: all, or of each leaf the likeliest, where no more are wanted. Those
 * that do not come then are less likely than as many that do, and count as -Infinity. Owned by the
 * rank's thread.
 */
final class RankHead {
  private static final int FLOATS_PER_CANDIDATE = 2; // its place among the rank's rows, its logit

  private final int vocabularySize;
  private final ShardPlan plan;
  private final RankShard shard;
  private final @Nullable LmHead head; // null without rows
  private final LikeliestTokens likeliest = new LikeliestTokens();
  private final int[] ends; // where the range of each rank ends in what the root collects
  private final float[] collected;
  private float[] own = {}; // [runs x rows]

  /** Brings the ranges of all leaves to the root. */
  @FunctionalInterface
  interface Gather {
    /**
     * Sends or collects.
     *
     * @param run index of the run that the logits are of
     * @param ends where each rank's range of {@code vector} ends
     */
    void gather(int run, float[] vector, int[] ends);
  }

  RankHead(RankWeights weights, ShardPlan plan, WeightSource tiles, Workers workers) {
    ModelConfig config = weights.pack().config();
    vocabularySize = config.vocabularySize();
    this.plan = plan;
    shard = weights.shard();
    head =
        shard.logitCount() == 0
            ? null
            : new LmHead(config, shard, weights.layout(), weights.pack().vectors(), tiles, workers);
    ends = new int[plan.worldSize()];
    collected = new float[collectedMax(plan, config)];
  }

  /** Most floats that are sent for one run. */
  int collectedMax() {
    return collected.length;
  }

  private static int collectedMax(ShardPlan plan, ModelConfig config) {
    return config.vocabularySize() - plan.shard(0).logitCount();
  }

  /** Bytes of the Java heap for the logits of one run. */
  static long heapBytes(ShardPlan plan, RankShard shard, ModelConfig config) {
    return (long) Float.BYTES * (shard.logitCount() + collectedMax(plan, config));
  }

  /**
   * Computes this rank's logits after the last token of each run, and sends or collects them.
   *
   * @param hidden states after the layers
   * @param runs of which one logit at least is wanted
   * @param gather is not used where the root has all rows
   * @param logits replaced, on the root; [runs x vocabulary]
   */
  void logits(float[] hidden, StepRuns runs, Gather gather, float[] logits) {
    int rows = shard.logitCount();
    boolean hasAll = rows == vocabularySize;
    if (!hasAll && own.length < runs.count() * rows) {
      own = new float[runs.count() * rows];
    }
    if (head != null) {
      head.logits(hidden, runs, hasAll ? logits : own);
    }
    if (hasAll || collected.length == 0) {
      return;
    }
    for (int rank = 1; rank < ends.length; rank++) {
      ends[rank] = ends[rank - 1] + length(rank, runs.wantedLogits());
    }
    for (int run = 0; run < runs.count(); run++) {
      if (shard.rank() == 0) {
        gather.gather(run, collected, ends);
        take(run, runs.wantedLogits(), logits);
      } else {
        write(run, runs.wantedLogits());
        gather.gather(run, collected, ends);
      }
    }
  }

  /** Floats that a leaf sends for a run. */
  private int length(int rank, int wanted) {
    int rows = plan.shard(rank).logitCount();
    return sendsAll(rows, wanted) ? rows : FLOATS_PER_CANDIDATE * wanted;
  }

  private static boolean sendsAll(int rows, int wanted) {
    return wanted >= rows / FLOATS_PER_CANDIDATE;
  }

  private void write(int run, int wanted) {
    int rows = shard.logitCount();
    int at = ends[shard.rank() - 1];
    if (sendsAll(rows, wanted)) {
      System.arraycopy(own, run * rows, collected, at, rows);
      return;
    }
    likeliest.select(own, run * rows, rows, wanted);
    for (int i = 0; i < wanted; i++) {
      int row = likeliest.token(i);
      collected[at++] = row; // exact: no vocabulary has 2^24 tokens
      collected[at++] = own[run * rows + row];
    }
  }

  private void take(int run, int wanted, float[] logits) {
    int base = run * vocabularySize;
    Arrays.fill(logits, base, base + vocabularySize, Float.NEGATIVE_INFINITY);
    System.arraycopy(
        own, run * shard.logitCount(), logits, base + shard.firstLogit(), shard.logitCount());
    for (int rank = 1; rank < ends.length; rank++) {
      RankShard leaf = plan.shard(rank);
      int at = ends[rank - 1];
      if (sendsAll(leaf.logitCount(), wanted)) {
        System.arraycopy(collected, at, logits, base + leaf.firstLogit(), leaf.logitCount());
        continue;
      }
      for (; at < ends[rank]; at += FLOATS_PER_CANDIDATE) {
        int row = (int) collected[at];
        if (row < 0 || row >= leaf.logitCount()) {
          throw new IllegalStateException(
              "rank %d tells of row %s of %d of the output head"
                  .formatted(rank, collected[at], leaf.logitCount()));
        }
        logits[base + leaf.firstLogit() + row] = collected[at + 1];
      }
    }
  }
}
