package org.kithlm.node.rank;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.transport.StepAbortedException;

@Timeout(60)
class WarmUpTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(50);

  @Test
  void shouldRunStepsOfOneAndOfSeveralTokensFromTheStart() {
    FakeRoot root = new FakeRoot(5, 0);
    new WarmUp(root).run(TIMEOUT);
    assertTrue(root.counts.contains(1));
    assertTrue(root.counts.contains(5), "as many as the root takes");
    assertEquals(root.counts.size(), root.heads);
  }

  @Test
  void shouldPassOnThatARankIsLost() {
    FakeRoot root = new FakeRoot(64, 7);
    assertSame(
        root.lost, assertThrows(IllegalStateException.class, () -> new WarmUp(root).run(TIMEOUT)));
  }

  @Test
  void shouldRunOneStepWhereEachReadsTheDisk() {
    FakeRoot root = new FakeRoot(5, 0);
    new WarmUp(root).runOnce(TIMEOUT);
    assertEquals(List.of(5), root.counts);
    assertEquals(1, root.heads);
    assertEquals(1, root.aborted.getCount());
  }

  @Test
  void shouldEndAStepThatTakesTooLong() {
    FakeRoot root = new FakeRoot(5, 0);
    root.hangs = true;
    new WarmUp(root).runOnce(Duration.ofMillis(20));
    assertEquals(0, root.aborted.getCount());
    assertEquals(0, root.heads);
  }

  /** A root whose steps cost nothing, until one fails. */
  private static final class FakeRoot implements RootRank {
    private final IllegalStateException lost = new IllegalStateException("rank 1 is lost");
    private final List<Integer> counts = new ArrayList<>();
    private final int maxTokens;
    private final int failingStep;
    private final CountDownLatch aborted = new CountDownLatch(1);
    private boolean hangs;
    private int heads;

    /** The step that fails, counted from 1; 0 for none. */
    FakeRoot(int maxTokens, int failingStep) {
      this.maxTokens = maxTokens;
      this.failingStep = failingStep;
    }

    @Override
    public int maxTokens() {
      return maxTokens;
    }

    @Override
    public void step(int[] tokens, int offset, StepRuns runs) {
      assertTrue(runs.isStemOnly());
      assertEquals(0, runs.startPosition(0));
      if (counts.size() + 1 == failingStep) {
        throw lost;
      }
      if (hangs) {
        awaitAbort();
        throw new StepAbortedException(1);
      }
      counts.add(runs.tokenCount());
      heads += runs.wantedLogits() > 0 ? 1 : 0;
    }

    @Override
    public float[] logits(int run) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int dataPort() {
      return 0;
    }

    @Override
    public CollectiveReport connect(List<NodeMessage.Peer> peers, Duration warmUp) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void keepAlive() {}

    private void awaitAbort() {
      try {
        aborted.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void abort() {
      aborted.countDown();
    }

    @Override
    public void fail(RuntimeException cause) {}

    @Override
    public RankStatistics statistics() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }
}
