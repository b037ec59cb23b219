package org.kithlm.node.rank;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.kithlm.memory.ResidencySettings;
import org.kithlm.memory.TileExtent;
import org.kithlm.memory.TileStore;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.RankAssignment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's slice of a pack, in memory within a budget, and checked.
 *
 * @param pack the open pack file
 * @param shard which slice
 * @param layout its tiles
 * @param store their bytes
 * @param closed told on each close
 */
public record RankWeights(
    Pack pack, RankShard shard, ShardLayout layout, TileStore store, Runnable closed)
    implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RankWeights.class);

  /** The slice of a pack that an assignment stands for; the same on every node. */
  public static RankShard shardOf(Pack pack, RankAssignment assignment) {
    return planOf(pack, assignment).shard(assignment.rank());
  }

  /** The slices of all ranks. */
  static ShardPlan planOf(Pack pack, RankAssignment assignment) {
    double[] shares = assignment.shares().stream().mapToDouble(Double::doubleValue).toArray();
    ShardPlan plan =
        ShardPlan.weighted(pack.config(), pack.units(), shares, assignment.attention());
    return assignment.head() == HeadPlacement.SPLIT
        ? plan.sharingHead(pack.headRowsPerUnit(), shares)
        : plan;
  }

  /** Reads all of a rank's tiles into memory; otherwise as {@link #load} with a limit. */
  public static RankWeights load(Path file, RankAssignment assignment)
      throws IOException, InterruptedException {
    return load(file, assignment, MemoryBudget.UNLIMITED);
  }

  /**
   * Reads a rank's tiles into memory as far as they fit into what the process may use; the others
   * are streamed.
   *
   * @param processBytes for all of this process, {@link Long#MAX_VALUE} for no limit
   * @throws DoesNotFitException if that is too little, before any tile is read
   * @throws IOException if the pack cannot be read
   * @throws RuntimeException if it is damaged; the message names the file and the place
   */
  public static RankWeights load(Path file, RankAssignment assignment, long processBytes)
      throws IOException, InterruptedException {
    Pack pack = Pack.open(file);
    try {
      RankShard shard = shardOf(pack, assignment);
      List<Tile> tiles = pack.tiles(shard);
      List<TileExtent> extents = extents(tiles);
      TileStore store =
          TileStore.load(
              file,
              extents,
              residency(pack, shard, extents, assignment, processBytes),
              (loadedBytes, totalBytes) ->
                  LOG.debug("rank {}: {} of {} bytes", shard.rank(), loadedBytes, totalBytes));
      return new RankWeights(
          pack, shard, new ShardLayout(tiles, pack.config().layerCount()), store, () -> {});
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      pack.close();
      throw e;
    }
  }

  /**
   * Checks that {@link #load} would find enough memory in a process like this one.
   *
   * @throws DoesNotFitException if not
   * @throws IOException if the file system cannot be asked
   */
  public static void requireFit(Pack pack, RankAssignment assignment, long processBytes)
      throws IOException {
    RankShard shard = shardOf(pack, assignment);
    residency(pack, shard, extents(pack.tiles(shard)), assignment, processBytes);
  }

  /**
   * The longest context that {@link #load} would find enough memory for in a process like this one,
   * whatever the assignment's is: whole blocks of the KV cache, 0 if not even one fits.
   *
   * @throws IOException if the file system cannot be asked
   */
  public static int longestContext(Pack pack, RankAssignment assignment, long processBytes)
      throws IOException {
    RankShard shard = shardOf(pack, assignment);
    List<TileExtent> extents = extents(pack.tiles(shard));
    if (processBytes == MemoryBudget.UNLIMITED || extents.isEmpty()) {
      return Integer.MAX_VALUE;
    }
    return budget(pack, shard, assignment, processBytes)
        .longestContext(TileStore.smallestBudgetBytes(pack.path(), extents));
  }

  /**
   * What a process like this one must be allowed to use so that it holds a share of its weights; at
   * least the smallest that works.
   *
   * @param share 0 to 1
   * @throws IOException if the file system cannot be asked
   */
  public static long processBytes(Pack pack, RankAssignment assignment, double share)
      throws IOException {
    RankShard shard = shardOf(pack, assignment);
    List<TileExtent> extents = extents(pack.tiles(shard));
    long all = extents.stream().mapToLong(TileExtent::lengthBytes).sum();
    return budget(pack, shard, assignment, MemoryBudget.UNLIMITED)
        .processBytes(
            Math.max((long) (share * all), TileStore.smallestBudgetBytes(pack.path(), extents)));
  }

  private static MemoryBudget budget(
      Pack pack, RankShard shard, RankAssignment assignment, long processBytes) {
    return MemoryBudget.of(
        processBytes, Runtime.getRuntime().maxMemory(), pack.config(), shard, assignment);
  }

  private static ResidencySettings residency(
      Pack pack,
      RankShard shard,
      List<TileExtent> extents,
      RankAssignment assignment,
      long processBytes)
      throws IOException {
    if (processBytes == MemoryBudget.UNLIMITED || extents.isEmpty()) {
      return ResidencySettings.everything();
    }
    MemoryBudget budget = budget(pack, shard, assignment, processBytes);
    budget.require(
        TileStore.smallestBudgetBytes(pack.path(), extents),
        extents.stream().mapToLong(TileExtent::lengthBytes).sum());
    LOG.info("rank {}: {} bytes for weights, {}", shard.rank(), budget.weightBytes(), budget);
    return ResidencySettings.within(budget.weightBytes());
  }

  static List<TileExtent> extents(List<Tile> tiles) {
    return tiles.stream().map(RankWeights::extent).toList();
  }

  private static TileExtent extent(Tile tile) {
    return new TileExtent(
        tile.offsetBytes(),
        tile.lengthBytes(),
        tile.checks().stream()
            .map(check -> new TileExtent.Piece(check.lengthBytes(), check.crc32c()))
            .toList());
  }

  /** The same weights, which tell when they are closed; on each call of close. */
  RankWeights onClose(Runnable action) {
    return new RankWeights(pack, shard, layout, store, action);
  }

  /** Types of the tiles. */
  Set<GgmlType> elementTypes() {
    return layout.tiles().stream().map(Tile::type).collect(Collectors.toSet());
  }

  /** Bytes of the Java heap that norms and biases take. */
  long vectorBytes() {
    return pack.vectors().values().stream()
        .mapToLong(vector -> (long) Float.BYTES * vector.length)
        .sum();
  }

  /** Whether all tiles are in memory, so that none is read again. */
  boolean isResident() {
    return store.isResident();
  }

  @Override
  public void close() {
    try {
      store.close();
      pack.close();
    } catch (IOException e) {
      LOG.warn("closing {}: {}", pack.path(), e.getMessage());
    } finally {
      closed.run();
    }
  }
}
