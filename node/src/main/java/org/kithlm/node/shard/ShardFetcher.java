package org.kithlm.node.shard;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.NodeMessage.ByteRun;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.rank.DoesNotFitException;
import org.kithlm.node.rank.RankWeights;

/**
 * Fills a local pack with the runs that a rank needs. The local pack is the coordinator's with
 * holes at the same offsets; what is there already is told by the checksums, so a fetch goes on
 * where it was cut, and a new plan fetches only what is missing. One thread.
 */
public final class ShardFetcher {
  private final LocalPack.Source source;
  private final Listener listener;

  /** Follows fetches; called from the thread that fetches. */
  @FunctionalInterface
  public interface Listener {
    /**
     * All of a rank's tiles are in the local pack.
     *
     * @param fetchedBytes weights that came from the coordinator
     * @param keptBytes weights that were there
     */
    void onComplete(long fetchedBytes, long keptBytes);
  }

  /**
   * A fetcher.
   *
   * @param folder holds the local packs
   * @param tls whom to trust, and who one is
   */
  public ShardFetcher(Path folder, SSLContext tls, Listener listener) {
    this(new LocalPack.Source(folder, tls), listener);
  }

  ShardFetcher(
      Path folder, SSLContext tls, Listener listener, Duration partTimeout, int partBytes) {
    this(new LocalPack.Source(folder, tls, partTimeout, partBytes), listener);
  }

  private ShardFetcher(LocalPack.Source source, Listener listener) {
    this.source = source;
    this.listener = listener;
  }

  /**
   * Fetches what is missing.
   *
   * @param processBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
   * @return the local pack; all of the rank's tiles in it are intact
   * @throws DoesNotFitException if the rank will not fit into that, before any tile is fetched
   * @throws IOException if the coordinator can't be read or the disk is full
   * @throws PackException if what it sent is not the pack of the plan
   */
  public Path fetch(RankAssignment assignment, NodeMessage.WeightOrigin origin, long processBytes)
      throws IOException, InterruptedException {
    try (LocalPack local = LocalPack.open(source, assignment.packId(), origin)) {
      RankWeights.requireFit(local.pack(), assignment, processBytes);
      fetchTiles(local, assignment);
      local.force();
      return local.pack().path();
    }
  }

  private void fetchTiles(LocalPack local, RankAssignment assignment)
      throws IOException, InterruptedException {
    List<Tile> incomplete = new ArrayList<>();
    List<ByteRun> missing = new ArrayList<>();
    long neededBytes = 0;
    for (Tile tile : local.pack().tiles(RankWeights.shardOf(local.pack(), assignment))) {
      List<ByteRun> runs = local.missing(tile);
      if (!runs.isEmpty()) {
        incomplete.add(tile);
        missing.addAll(runs);
      }
      neededBytes += tile.lengthBytes();
    }
    local.copy(missing);
    for (Tile tile : incomplete) {
      if (!local.missing(tile).isEmpty()) {
        throw new PackException(
            "the tile at offset "
                + tile.offsetBytes()
                + " came damaged from the coordinator; remove and pull the model there again");
      }
    }
    long fetchedBytes = missing.stream().mapToLong(ByteRun::lengthBytes).sum();
    listener.onComplete(fetchedBytes, neededBytes - fetchedBytes);
  }
}
