package org.kithlm.coordinator.generation;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.rank.RootRank;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One root in the engine, from its activation to its end.
 *
 * @param rank the root
 * @param cachingRank the root as generations use it
 * @param peers all ranks in rank order
 * @param onLost told if it ends by itself after it was connected
 * @param connected completed with how sums are formed when it is connected, or exceptionally
 */
record RootSession(
    RootRank rank,
    PrefixCachingRank cachingRank,
    List<NodeMessage.Peer> peers,
    Consumer<String> onLost,
    CompletableFuture<CollectiveReport> connected) {
  private static final Logger LOG = LoggerFactory.getLogger(RootSession.class);

  RootSession(RootRank rank, List<NodeMessage.Peer> peers, Consumer<String> onLost) {
    this(rank, new PrefixCachingRank(rank), peers, onLost, new CompletableFuture<>());
  }

  /** Ends it before the engine's thread has seen it. */
  void discard(String reason) {
    close();
    connected.completeExceptionally(new IllegalStateException(reason));
  }

  /** Closes the root. It never throws: the owner and a running request must still be told. */
  void close() {
    try {
      rank.close();
    } catch (RuntimeException | Error e) {
      LOG.warn("rank 0 did not close cleanly", e);
    }
  }
}
