package org.kithlm.coordinator.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.kithlm.coordinator.generation.EngineStatus;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.node.control.RankStatistics;

class ClusterFeedTest {
  private static final RankStatistics ROOT =
      new RankStatistics(1, 1, 1, 1, 0, 1, 2, 3, 0, 0, 0, null);
  private static final RankStatistics LEAF =
      new RankStatistics(2, 1, 1, 1, 0, 4, 5, 6, 0, 0, 1, null);

  private final List<ClusterView> observed = new ArrayList<>();
  private final ClusterFeed feed =
      new ClusterFeed(
          observed::add,
          () -> new EngineStatus(3, null, ROOT),
          Clock.fixed(Instant.ofEpochSecond(77), ZoneOffset.UTC));

  private static ClusterView.NodeView node(String name, long pid) {
    return new ClusterView.NodeView(
        1, name, pid, "10.0.0.2", "ready", 0.5, null, 0, null, null, null);
  }

  private void tell(ClusterView.Phase phase, ClusterView.NodeView... nodes) {
    feed.accept(new ClusterView(phase, 1, List.of(nodes), null, null));
  }

  private ClusterStatus status() {
    return feed.status().toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
  }

  private List<String> lost() {
    return status().lost().stream()
        .map(gone -> gone.node().name() + " " + gone.node().pid() + " " + gone.lostEpochSeconds())
        .toList();
  }

  @Test
  void shouldTellTheObserverOfEachView() {
    tell(ClusterView.Phase.READY, node("a", 1));

    assertEquals(1, observed.size());
    assertEquals(observed.getFirst(), status().view());
  }

  @Test
  void shouldRememberNodesUntilTheyAreBack() {
    tell(ClusterView.Phase.READY, node("a", 1), node("b", 2), node("c", 3));
    tell(ClusterView.Phase.GATHERING, node("a", 1));
    assertEquals(List.of("c 3 77", "b 2 77"), lost());

    tell(ClusterView.Phase.GATHERING, node("a", 1), node("b", 9));

    assertEquals(List.of("c 3 77"), lost());
  }

  @Test
  void shouldNotMissANodeThatCameBackAsAnotherProcess() {
    tell(ClusterView.Phase.READY, node("a", 1));
    tell(ClusterView.Phase.READY, node("a", 2));

    assertEquals(List.of(), lost());
  }

  @Test
  void shouldForgetTheOldestOfMany() {
    tell(
        ClusterView.Phase.READY,
        IntStream.range(0, 20)
            .mapToObj(i -> node("n" + i, i))
            .toArray(ClusterView.NodeView[]::new));
    tell(ClusterView.Phase.GATHERING);

    assertEquals(8, lost().size());
    assertEquals("n19 19 77", lost().getFirst());
  }

  @Test
  void shouldJoinWhatRanksAndEngineTell() {
    feed.connect(collect -> collect.result().complete(Map.of(1, LEAF)));
    tell(ClusterView.Phase.READY, node("a", 1));

    assertEquals(Map.of(0, ROOT, 1, LEAF), status().used());
    assertEquals(3, status().queued());
  }

  @Test
  void shouldNotWaitForRanksThatLoad() {
    feed.connect(
        collect -> {
          throw new AssertionError("asked");
        });
    assertNull(status().view());
    tell(ClusterView.Phase.LOADING, node("a", 1));

    assertEquals(Map.of(0, ROOT), status().used());
  }

  @Test
  void shouldGoOnWithoutLeavesThatDoNotAnswer() {
    feed.connect(collect -> {});
    tell(ClusterView.Phase.READY, node("a", 1));

    assertEquals(Map.of(0, ROOT), status().used());
  }
}
