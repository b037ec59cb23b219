package org.kithlm.node.shard;

import java.nio.file.Path;
import java.util.concurrent.CompletionStage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.rank.RankWeights;
import org.kithlm.node.rank.RootRank;
import org.kithlm.node.rank.RootRankLoader;
import org.kithlm.node.rank.SessionRootRank;

/**
 * Loads rank 0 from the coordinator's own pack.
 *
 * @param pack the pack file
 * @param host address that the data plane listens at
 * @param threads for the arithmetic of the layers
 * @param headThreads for that of the output head
 * @param processBytes what this process may use in memory, {@link Long#MAX_VALUE} for no limit
 */
public record PackRootLoader(
    Path pack, String host, int threads, int headThreads, long processBytes)
    implements RootRankLoader {
  @Override
  public CompletionStage<RootRank> load(RankAssignment assignment) {
    return LoadThread.start(
        "kith-load-0",
        () ->
            new SessionRootRank(
                RankWeights.load(pack, assignment, processBytes),
                assignment,
                host,
                threads,
                headThreads));
  }
}
