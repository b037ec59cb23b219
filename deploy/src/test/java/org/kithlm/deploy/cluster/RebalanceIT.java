package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.KithHome;

/** A node that joins while an answer is under way. */
class RebalanceIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String COUNTING = "Counting: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,";

  /** It takes minutes, so a node can join meanwhile. */
  private static final int LONG = 7000;

  @TempDir Path folder;

  @BeforeAll
  static void pullModel() throws Exception {
    TestModel.SMOLLM2.pull();
  }

  private static StateFile.State awaitReady(KithProcess coordinator, int ranks) throws Exception {
    StateFile file = new StateFile(new KithHome(TestModel.HOME));
    Await.until(
        ranks + " ranks, " + coordinator.errors(),
        PATIENCE,
        () ->
            file.read()
                .filter(state -> state.phase().equals("ready"))
                .filter(state -> ranks(state) == ranks)
                .isPresent());
    return file.read().orElseThrow();
  }

  private static int ranks(StateFile.State state) {
    return (int) state.nodes().stream().map(NodeView::rank).filter(rank -> rank >= 0).count();
  }

  /** Of the answer under way. */
  private static int tokensSoFar(StateFile.State state) throws InterruptedException {
    try (LiveCluster cluster = new LiveCluster(null)) {
      LiveCluster.Generation generation = cluster.figures(state).generation();
      return Objects.requireNonNull(generation).completionTokens();
    }
  }

  @Test
  void shouldUseANodeWithinTheAnswerIfEager() throws Exception {
    try (KithProcess coordinator =
        KithProcess.start(
            TestModel.HOME,
            "up",
            MODEL,
            "--even-shares",
            "--rebalance",
            "eager",
            "--host",
            "127.0.0.1",
            "--control-port",
            "0",
            "--join-port",
            "0",
            "--port",
            "0")) {
      String endpoint = String.valueOf(awaitReady(coordinator, 1).endpoint());
      String text;
      int parts;
      try (StreamedCompletion answer = StreamedCompletion.start(endpoint, MODEL, COUNTING, LONG);
          KithProcess node =
              KithProcess.start(
                  folder.resolve("node"), "join", coordinator.joinToken(), "--name", "guest")) {
        answer.readTo(8);
        parts = tokensSoFar(awaitReady(coordinator, 2)) + 16; // a part has a token at least
        answer.readTo(parts);
        text = answer.text();
        assertTrue(node.errors().contains("weights: 0 B fetched"), node.errors());
        assertEquals(2, ranks(awaitReady(coordinator, 2)));
      }
      try (StreamedCompletion undisturbed =
          StreamedCompletion.start(endpoint, MODEL, COUNTING, LONG)) {
        undisturbed.readTo(parts);
        assertEquals(undisturbed.text(), text);
      }
    }
  }
}
