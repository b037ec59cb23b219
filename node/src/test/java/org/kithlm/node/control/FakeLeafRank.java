package org.kithlm.node.control;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** A leaf without weights that does what a test says. */
final class FakeLeafRank implements LeafRank {
  static final RankStatistics STATISTICS =
      new RankStatistics(7, 1, 1, 4096, 0, 1, 2, 3, 0, 0, 0, null);

  final CountDownLatch closed = new CountDownLatch(1);
  final CompletableFuture<List<NodeMessage.Peer>> started = new CompletableFuture<>();
  private volatile @Nullable Listener listener;

  @Override
  public int dataPort() {
    return 4000;
  }

  @Override
  public int maxTokens() {
    return 8;
  }

  @Override
  public void start(List<NodeMessage.Peer> peers, Listener newListener) {
    listener = newListener;
    started.complete(peers);
  }

  /** Who follows the rank once it is started. */
  Listener listener() {
    return Objects.requireNonNull(listener, "the rank was not started");
  }

  @Override
  public boolean isIdle() {
    return true;
  }

  @Override
  public RankStatistics statistics() {
    return STATISTICS;
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
