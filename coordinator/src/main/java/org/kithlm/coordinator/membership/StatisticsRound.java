package org.kithlm.coordinator.membership;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;

/**
 * Gathers what the leaves have used, for all who ask meanwhile. Owned by the coordinator's actor.
 */
final class StatisticsRound {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  private final Map<Integer, RankStatistics> answers = new TreeMap<>();
  private final List<CompletableFuture<Map<Integer, RankStatistics>>> waiters = new ArrayList<>();
  private long askedNs;

  /** Adds someone who waits; the first starts a round, which ends after a while at the latest. */
  void join(
      CompletableFuture<Map<Integer, RankStatistics>> waiter,
      @Nullable Plan plan,
      TimerScheduler<CoordinatorMessage> timers) {
    waiters.add(waiter);
    if (waiters.size() == 1) {
      askedNs = System.nanoTime();
      timers.startSingleTimer(new CoordinatorEvent.StatisticsTimedOut(), TIMEOUT);
      if (plan != null) {
        plan.leaves().forEach(leaf -> leaf.ref.tell(new NodeMessage.ReportStatistics(plan.epoch)));
      }
      endIfComplete(plan, timers);
    }
  }

  void add(
      int rank,
      RankStatistics statistics,
      @Nullable Plan plan,
      TimerScheduler<CoordinatorMessage> timers) {
    answers.put(rank, statistics.answeredAfter((System.nanoTime() - askedNs) / 1e6));
    endIfComplete(plan, timers);
  }

  private void endIfComplete(@Nullable Plan plan, TimerScheduler<CoordinatorMessage> timers) {
    if (answers.size() == (plan == null ? 0 : plan.leaves().size())) {
      timers.cancel(new CoordinatorEvent.StatisticsTimedOut());
      end();
    }
  }

  /** Tells all who wait what has come so far. */
  void end() {
    waiters.forEach(waiter -> waiter.complete(Map.copyOf(answers)));
    waiters.clear();
    answers.clear();
  }
}
