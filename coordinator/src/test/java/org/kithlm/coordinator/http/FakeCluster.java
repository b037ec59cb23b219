package org.kithlm.coordinator.http;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.kithlm.coordinator.generation.EngineStatus;
import org.kithlm.coordinator.generation.GenerationTiming;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.status.ClusterFeed;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.control.SumPrecision;

/** A cluster without processes: the feed that the endpoint asks, and what a test tells it. */
final class FakeCluster {
  static final long NOW = 1_800_000_000L;
  private static final long MIB = 1 << 20;

  final Map<Integer, RankStatistics> leaves = new ConcurrentHashMap<>();
  volatile EngineStatus engine = new EngineStatus(0, null, null);

  final ClusterFeed feed =
      new ClusterFeed(
          view -> {}, () -> engine, Clock.fixed(Instant.ofEpochSecond(NOW), ZoneOffset.UTC));

  FakeCluster() {
    feed.connect(collect -> collect.result().complete(leaves));
  }

  /** Lets so many ranks serve, in equal shares; each has used some time and memory. */
  void serve(String... names) {
    List<ClusterView.NodeView> nodes = new ArrayList<>();
    leaves.clear();
    for (int rank = 0; rank < names.length; rank++) {
      long pid = 4000L + names[rank].hashCode() % 1000;
      nodes.add(
          new ClusterView.NodeView(
              rank,
              names[rank],
              pid,
              "192.168.1." + (10 + rank),
              "ready",
              1.0 / names.length,
              names.length == 1 ? null : "12.5 GB/s of weights in memory",
              900 * MIB / names.length,
              null,
              null,
              null));
      leaves.put(
          rank,
          new RankStatistics(
              pid,
              (1200 - 90L * rank) * MIB / names.length,
              (1300 - 90L * rank) * MIB / names.length,
              900 * MIB / names.length,
              40 * MIB * rank,
              8_100 - 600 * rank,
              1_900 + 700 * rank,
              400 * rank,
              0.25,
              1.5,
              rank == 0 ? 0 : 2.5,
              null));
    }
    engine = new EngineStatus(engine.queued(), engine.timing(), leaves.remove(0));
    feed.accept(new ClusterView(ClusterView.Phase.READY, 7, nodes, sums(names.length), "split"));
  }

  private static CollectiveReport sums(int ranks) {
    return new CollectiveReport(
        CollectiveChoice.AUTO,
        SumPrecision.EXACT,
        true,
        null,
        ranks == 1
            ? List.of()
            : List.of(
                new CollectiveReport.Payload("decode", 4_608, CollectiveChoice.DIRECT, Map.of()),
                new CollectiveReport.Payload(
                    "prefill", 589_824, CollectiveChoice.TWO_SHOT, Map.of())));
  }

  /** Lets rank 0 have made tokens. */
  void generate(GenerationTiming.State state, int completionTokens, int queued) {
    GenerationTiming timing =
        new GenerationTiming(
            state,
            312,
            64,
            completionTokens,
            842,
            17.4,
            new GenerationTiming.Split(601, 172, 48),
            new GenerationTiming.Split(5_300, 1_250, 310));
    engine = new EngineStatus(queued, timing, engine.rootStatistics());
  }
}
