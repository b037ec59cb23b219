package org.kithlm.coordinator.membership;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;

/** A loaded rank 0 on which nothing is run. */
final class UnusedRoot implements RootRank {
  static final int DATA_PORT = 4000;
  static final int MAX_TOKENS = 16;
  static final long RESIDENT_BYTES = 8192;

  final CountDownLatch closed = new CountDownLatch(1);

  @Override
  public int dataPort() {
    return DATA_PORT;
  }

  @Override
  public RankStatistics statistics() {
    return new RankStatistics(1, 1, 1, RESIDENT_BYTES, 0, 0, 0, 0, 0, 0, 0, null);
  }

  @Override
  public void close() {
    closed.countDown();
  }

  @Override
  public CollectiveReport connect(List<NodeMessage.Peer> peers, Duration warmUp) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int maxTokens() {
    return MAX_TOKENS;
  }

  @Override
  public void step(int[] tokens, int offset, StepRuns runs) {
    throw new UnsupportedOperationException();
  }

  @Override
  public float[] logits(int run) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void keepAlive() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void abort() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void fail(RuntimeException cause) {
    throw new UnsupportedOperationException();
  }
}
