package org.kithlm.node.shard;

import java.nio.file.Path;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.rank.RootKvStore;
import org.kithlm.node.rank.RootRank;
import org.kithlm.node.rank.RootRankLoader;
import org.kithlm.node.rank.SessionRootRank;
import org.kithlm.node.rank.WeightSlot;
import org.kithlm.transport.LinkCosts;

/** Loads rank 0 from the coordinator's own pack. */
public final class PackRootLoader implements RootRankLoader {
  private final Path pack;
  private final String host;
  private final int threads;
  private final int headThreads;
  private final long processBytes;
  private final @Nullable RootKvStore kept;
  private final WeightSlot slot = new WeightSlot();
  private final AtomicReference<@Nullable LinkCosts> links = new AtomicReference<>();

  /**
   * A loader.
   *
   * @param pack the pack file
   * @param host address that the data plane listens at
   * @param threads for the arithmetic of the layers
   * @param headThreads for that of the output head
   * @param processBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
   * @param kept takes keys and values, null for none
   */
  public PackRootLoader(
      Path pack,
      String host,
      int threads,
      int headThreads,
      long processBytes,
      @Nullable RootKvStore kept) {
    this.pack = pack;
    this.host = host;
    this.threads = threads;
    this.headThreads = headThreads;
    this.processBytes = processBytes;
    this.kept = kept;
  }

  @Override
  public CompletionStage<RootRank> load(RankAssignment assignment) {
    return LoadThread.start(
        "kith-load-0",
        () ->
            new SessionRootRank(
                slot.load(pack, assignment, processBytes),
                assignment,
                host,
                links,
                kept,
                threads,
                headThreads));
  }
}
