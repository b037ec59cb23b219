package org.kithlm.node.shard;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.kithlm.node.control.LeafRank;
import org.kithlm.node.control.LeafRankLoader;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.rank.SessionLeafRank;
import org.kithlm.node.rank.WeightSlot;

/**
 * Loads a leaf from a whole local pack where there is one, else from the runs fetched from the
 * coordinator.
 */
public final class ShardRankLoader implements LeafRankLoader {
  private final Function<String, Optional<Path>> localPacks;
  private final ShardFetcher fetcher;
  private final String host;
  private final int threads;
  private final long processBytes;
  private final WeightSlot slot = new WeightSlot();

  /**
   * A loader.
   *
   * @param localPacks finds a whole pack by its id
   * @param host address that data planes listen at
   * @param threads for the arithmetic
   * @param processBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
   */
  public ShardRankLoader(
      Function<String, Optional<Path>> localPacks,
      ShardFetcher fetcher,
      String host,
      int threads,
      long processBytes) {
    this.localPacks = localPacks;
    this.fetcher = fetcher;
    this.host = host;
    this.threads = threads;
    this.processBytes = processBytes;
  }

  @Override
  public CompletionStage<LeafRank> load(
      RankAssignment assignment, NodeMessage.WeightOrigin origin) {
    return LoadThread.start(
        "kith-load-" + assignment.rank(),
        () -> {
          Optional<Path> local = localPacks.apply(assignment.packId());
          Path pack =
              local.isPresent() ? local.get() : fetcher.fetch(assignment, origin, processBytes);
          return new SessionLeafRank(
              slot.load(pack, assignment, processBytes), assignment, host, threads);
        });
  }
}
