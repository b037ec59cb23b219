package org.kithlm.coordinator.membership;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.kithlm.node.control.RankStatistics;

/**
 * Gathers what the leaves have used, for all who ask meanwhile. Owned by the coordinator's actor.
 */
final class StatisticsRound {
  private final Map<Integer, RankStatistics> answers = new TreeMap<>();
  private final List<CompletableFuture<Map<Integer, RankStatistics>>> waiters = new ArrayList<>();

  /** Adds someone who waits; true if that starts a round. */
  boolean join(CompletableFuture<Map<Integer, RankStatistics>> waiter) {
    waiters.add(waiter);
    return waiters.size() == 1;
  }

  void add(int rank, RankStatistics statistics) {
    answers.put(rank, statistics);
  }

  boolean hasAll(int leafCount) {
    return answers.size() == leafCount;
  }

  /** Tells all who wait what has come so far. */
  void end() {
    waiters.forEach(waiter -> waiter.complete(Map.copyOf(answers)));
    waiters.clear();
    answers.clear();
  }
}
