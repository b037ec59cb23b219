package org.kithlm.node.rank;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.kithlm.memory.ResidencySettings;
import org.kithlm.memory.TileExtent;
import org.kithlm.memory.TileStore;
import org.kithlm.model.pack.Pack;
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
 */
public record RankWeights(Pack pack, RankShard shard, ShardLayout layout, TileStore store)
    implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RankWeights.class);

  /** The slice of a pack that an assignment stands for; the same on every node. */
  public static RankShard shardOf(Pack pack, RankAssignment assignment) {
    double[] shares = assignment.shares().stream().mapToDouble(Double::doubleValue).toArray();
    return ShardPlan.weighted(pack.config(), pack.units(), shares).shard(assignment.rank());
  }

  /** Reads all of a rank's tiles into memory; otherwise as {@link #load} with settings. */
  public static RankWeights load(Path file, RankAssignment assignment)
      throws IOException, InterruptedException {
    return load(file, assignment, ResidencySettings.everything());
  }

  /**
   * Reads a rank's tiles into memory as far as they fit a budget; the others are streamed.
   *
   * @throws IllegalArgumentException if the budget is too small; the message tells the smallest
   * @throws IOException if the pack cannot be read
   * @throws RuntimeException if it is damaged; the message names the file and the place
   */
  public static RankWeights load(Path file, RankAssignment assignment, ResidencySettings residency)
      throws IOException, InterruptedException {
    Pack pack = Pack.open(file);
    try {
      RankShard shard = shardOf(pack, assignment);
      List<Tile> tiles = pack.tiles(shard);
      TileStore store =
          TileStore.load(
              file,
              tiles.stream().map(RankWeights::extent).toList(),
              residency,
              (loadedBytes, totalBytes) ->
                  LOG.debug("rank {}: {} of {} bytes", shard.rank(), loadedBytes, totalBytes));
      return new RankWeights(
          pack, shard, new ShardLayout(tiles, pack.config().layerCount()), store);
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      pack.close();
      throw e;
    }
  }

  static TileExtent extent(Tile tile) {
    return new TileExtent(
        tile.offsetBytes(),
        tile.lengthBytes(),
        tile.checks().stream()
            .map(check -> new TileExtent.Piece(check.lengthBytes(), check.crc32c()))
            .toList());
  }

  /** Whether all tiles are in memory, so that none is read again. */
  boolean isResident() {
    return store.residentBytes() >= layout.tiles().stream().mapToLong(Tile::lengthBytes).sum();
  }

  @Override
  public void close() {
    store.close();
    try {
      pack.close();
    } catch (IOException e) {
      LOG.warn("closing {}: {}", pack.path(), e.getMessage());
    }
  }
}
