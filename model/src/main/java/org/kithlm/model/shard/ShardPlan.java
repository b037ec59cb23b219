package org.kithlm.model.shard;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.kithlm.model.config.ModelConfig;

/**
 * Gives each rank a contiguous run of units, in rank order, so that ranks whose speeds are as their
 * shares are done as early as whole units allow. With more ranks than units some ranks hold
 * nothing. The output head is on the root, unless it is shared, too.
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

  /** Shares in proportion to weights, of attention as well. */
  public static ShardPlan weighted(ModelConfig config, ShardUnits units, double[] shares) {
    return weighted(config, units, shares, AttentionPlacement.SPLIT);
  }

  /**
   * Shares in proportion to weights.
   *
   * @param shares one weight per rank, at least 0, not all 0
   * @param placement of attention; if replicated, shares are those of the FFN
   * @throws IllegalArgumentException naming the value that is wrong
   */
  public static ShardPlan weighted(
      ModelConfig config, ShardUnits units, double[] shares, AttentionPlacement placement) {
    int worldSize = shares.length;
    requireWorldSize(worldSize);
    requireShares(shares);
    boolean split = placement == AttentionPlacement.SPLIT;
    int[] attention = new int[worldSize];
    if (split) {
      attention = apportion(units.attentionUnitCount(), shares);
    } else {
      Arrays.fill(attention, units.attentionUnitCount());
    }
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
              0,
              rank == 0 ? config.vocabularySize() : 0,
              placement));
      head += split ? headCount : 0;
      ffnUnit += ffn[rank];
    }
    return new ShardPlan(shards);
  }

  /**
   * The same with the rows of the output head shared in proportion to weights.
   *
   * @param rowsPerUnit rows that stay together; the last unit may be short
   * @param shares one weight per rank, as for {@link #weighted}
   */
  public ShardPlan sharingHead(int rowsPerUnit, double[] shares) {
    int rows = shards.getFirst().logitCount();
    int[] units = apportion(Math.ceilDiv(rows, rowsPerUnit), shares);
    List<RankShard> sharing = new ArrayList<>();
    int first = 0;
    for (RankShard shard : shards) {
      int end = (int) Math.min((long) first + (long) units[shard.rank()] * rowsPerUnit, rows);
      sharing.add(shard.withLogits(first, end - first));
      first = end;
    }
    return new ShardPlan(sharing);
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

  /**
   * Gives unit after unit to the rank that is the first to be done with one more, in proportion to
   * its share. The rank that is done last then is as early as whole units allow (the method of
   * D'Hondt).
   */
  private static int[] apportion(int unitCount, double[] shares) {
    int[] counts = new int[shares.length];
    double largest = Arrays.stream(shares).max().orElseThrow();
    for (int unit = 0; unit < unitCount; unit++) {
      int next = -1;
      double earliest = Double.POSITIVE_INFINITY;
      for (int rank = 0; rank < shares.length; rank++) {
        double done = (counts[rank] + 1) / (shares[rank] / largest); // infinite without a share
        if (done < earliest) {
          next = rank;
          earliest = done;
        }
      }
      counts[next]++;
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
