package org.kithlm.model.shard;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.kithlm.model.config.ModelConfig;

/**
 * Gives each rank a contiguous run of units, in rank order, as near to its share as whole units
 * allow. With more ranks than units some ranks hold nothing. The output head is on the root.
 */
public final class ShardPlan {
  /** A bound on what a plan allocates, far above any home. */
  private static final int WORLD_SIZE_MAX = 1024;

  private final List<RankShard> shards;

  private ShardPlan(List<RankShard> shards) {
    this.shards = List.copyOf(shards);
  }

  /**
   * Equal shares.
   *
   * @throws IllegalArgumentException if {@code worldSize} is out of range
   */
  public static ShardPlan equal(ModelConfig config, ShardUnits units, int worldSize) {
    requireWorldSize(worldSize);
    double[] shares = new double[worldSize];
    Arrays.fill(shares, 1);
    return weighted(config, units, shares);
  }

  /**
   * Shares in proportion to weights.
   *
   * @param shares one weight per rank, at least 0, not all 0
   * @throws IllegalArgumentException naming the value that is wrong
   */
  public static ShardPlan weighted(ModelConfig config, ShardUnits units, double[] shares) {
    int worldSize = shares.length;
    requireWorldSize(worldSize);
    requireShares(shares);
    int[] attention = apportion(units.attentionUnitCount(), shares);
    int[] ffn = apportion(units.ffnUnitCount(), shares);
    int headsPerKvHead = config.headCount() / config.kvHeadCount();
    List<RankShard> shards = new ArrayList<>();
    int head = 0;
    int ffnUnit = 0;
    for (int rank = 0; rank < worldSize; rank++) {
      int headCount = attention[rank] * units.headsPerUnit();
      int firstKvHead = Math.min(head / headsPerKvHead, config.kvHeadCount() - 1);
      int endKvHead = Math.ceilDiv(head + headCount, headsPerKvHead);
      int firstColumn = column(units, ffnUnit);
      int endColumn = column(units, ffnUnit + ffn[rank]);
      shards.add(
          new RankShard(
              rank,
              worldSize,
              head,
              headCount,
              firstKvHead,
              headCount == 0 ? 0 : endKvHead - firstKvHead,
              firstColumn,
              endColumn - firstColumn,
              rank == 0));
      head += headCount;
      ffnUnit += ffn[rank];
    }
    return new ShardPlan(shards);
  }

  /** Number of ranks. */
  public int worldSize() {
    return shards.size();
  }

  /**
   * What a rank holds.
   *
   * @throws IllegalArgumentException if there is no such rank
   */
  public RankShard shard(int rank) {
    if (rank < 0 || rank >= shards.size()) {
      throw new IllegalArgumentException(
          "rank=" + rank + " worldSize=" + shards.size() + ": give a rank from 0 to worldSize - 1");
    }
    return shards.get(rank);
  }

  /** Start of an FFN unit; the last unit may be short. */
  private static int column(ShardUnits units, int unit) {
    return (int) Math.min((long) unit * units.ffnColumnsPerUnit(), units.ffnSize());
  }

  /** Largest remainder: each gets its quota rounded down, the rest goes by what was cut off. */
  private static int[] apportion(int unitCount, double[] shares) {
    double sum = Arrays.stream(shares).sum();
    int[] counts = new int[shares.length];
    double[] cut = new double[shares.length];
    int left = unitCount;
    for (int rank = 0; rank < shares.length; rank++) {
      double quota = shares[rank] / sum * unitCount;
      counts[rank] = Math.min((int) quota, left); // rounding may lift a quota to the next integer
      cut[rank] = quota - counts[rank];
      left -= counts[rank];
    }
    int[] order =
        IntStream.range(0, shares.length)
            .filter(rank -> shares[rank] > 0)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer rank) -> -cut[rank]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int i = 0; i < left; i++) {
      counts[order[i % order.length]]++;
    }
    return counts;
  }

  private static void requireWorldSize(int worldSize) {
    if (worldSize < 1 || worldSize > WORLD_SIZE_MAX) {
      throw new IllegalArgumentException(
          "worldSize=" + worldSize + " is out of range: give 1 to " + WORLD_SIZE_MAX);
    }
  }

  private static void requireShares(double[] shares) {
    double sum = 0;
    for (int rank = 0; rank < shares.length; rank++) {
      if (!(shares[rank] >= 0 && shares[rank] < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "share of rank=" + rank + " is " + shares[rank] + ": give a number of at least 0");
      }
      sum += shares[rank];
    }
    if (sum == 0 || sum == Double.POSITIVE_INFINITY) {
      throw new IllegalArgumentException(
          "shares add up to " + sum + ": give at least one rank a share, e.g. 1");
    }
  }
}
