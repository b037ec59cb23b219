package org.kithlm.deploy.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;

class ModelBenchTest {
  private static final long MS = 1_000_000;

  @Test
  void shouldRunAPromptInStepsOfTheRankAndAskForLogitsOnce() {
    FakeRank rank = new FakeRank();
    ModelBench.Result result = new ModelBench(rank, 100, 2, rank::nowNs).prefill(20);
    List<String> once = List.of("8 at 0", "8 at 8", "4 at 16", "logits");
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 3; i++) { // the first does not count
      expected.addAll(once);
    }
    assertEquals(expected, rank.calls);
    assertEquals("pp20", result.test());
    assertEquals(20 / 0.004, result.tokensPerSecond(), 1e-6);
    assertEquals(0, result.deviation(), 1e-6);
  }

  @Test
  void shouldDecodeTokenByTokenWithLogitsAfterEach() {
    FakeRank rank = new FakeRank();
    ModelBench.Result result = new ModelBench(rank, 100, 1, rank::nowNs).decode(3);
    assertEquals(
        List.of("1 at 0", "logits", "1 at 1", "logits", "1 at 2", "logits"),
        rank.calls.subList(0, 6));
    assertEquals(3 / 0.006, result.tokensPerSecond(), 1e-6);
    assertEquals(0, result.deviation());
  }

  /** A rank of which every call takes a millisecond. */
  private static final class FakeRank implements RootRank {
    private final List<String> calls = new ArrayList<>();

    long nowNs() {
      return calls.size() * MS;
    }

    @Override
    public int maxTokens() {
      return 8;
    }

    @Override
    public void step(int[] tokens, int offset, StepRuns runs) {
      int count = runs.tokenCount();
      assertTrue(runs.isStemOnly());
      assertEquals(runs.startPosition(0), offset);
      for (int i = offset; i < offset + count; i++) {
        assertTrue(tokens[i] >= 0 && tokens[i] < 100);
      }
      calls.add(count + " at " + offset);
    }

    @Override
    public float[] logits(int run) {
      calls.add("logits");
      return new float[0];
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

    @Override
    public void abort() {}

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
