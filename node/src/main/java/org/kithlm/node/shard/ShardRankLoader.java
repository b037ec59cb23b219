package org.kithlm.node.shard;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.LeafRank;
import org.kithlm.node.control.LeafRankLoader;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.KvStorePlace;
import org.kithlm.node.rank.DoesNotFitException;
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
  private final @Nullable KvStore store;
  private final WeightSlot slot = new WeightSlot();

  /**
   * A loader.
   *
   * @param localPacks finds a whole pack by its id
   * @param host address that data planes listen at
   * @param threads for the arithmetic
   * @param processBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
   * @param store takes keys and values, null for none
   */
  public ShardRankLoader(
      Function<String, Optional<Path>> localPacks,
      ShardFetcher fetcher,
      String host,
      int threads,
      long processBytes,
      @Nullable KvStore store) {
    this.localPacks = localPacks;
    this.fetcher = fetcher;
    this.host = host;
    this.threads = threads;
    this.processBytes = processBytes;
    this.store = store;
  }

  @Override
  public CompletionStage<LeafRank> load(
      RankAssignment assignment, NodeMessage.WeightOrigin origin) {
    return LoadThread.start(
        "kith-load-" + assignment.rank(),
        () -> {
          try {
            return loadNow(assignment, origin);
          } catch (DoesNotFitException e) {
            throw store == null
                ? e
                : new DoesNotFitException(KvStorePlace.alsoTakes(e.getMessage()));
          }
        });
  }

  private LeafRank loadNow(RankAssignment assignment, NodeMessage.WeightOrigin origin)
      throws IOException, InterruptedException, TimeoutException {
    Optional<Path> local = localPacks.apply(assignment.packId());
    Path pack = local.isPresent() ? local.get() : fetcher.fetch(assignment, origin, processBytes);
    return new SessionLeafRank(
        slot.load(pack, assignment, processBytes), assignment, host, store, threads);
  }
}
