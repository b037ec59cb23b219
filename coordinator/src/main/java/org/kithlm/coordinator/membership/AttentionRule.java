package org.kithlm.coordinator.membership;

import java.util.Locale;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.node.control.CollectiveReport;

/**
 * Weighs the sums that replicated attention saves a token against the arithmetic that it adds. A
 * sum takes what the ranks of the last plan expected of it once their links were measured, so
 * before that attention is split. Prompts are not weighed: they save bytes, too, and what they add
 * is the same part of their arithmetic, or less where ranks share the tokens. Owned by the
 * coordinator's actor.
 */
final class AttentionRule {
  /** Of a token's time. A new plan, and memory for what is replicated, must be worth it. */
  private static final double PART_MAX = 0.9;

  private final Workload workload;
  private double sumMs = Double.NaN; // of a decode step

  AttentionRule(Workload workload) {
    this.workload = workload;
  }

  /** Takes note of what the ranks tell of their links, if they measured them. */
  void measured(CollectiveReport sums) {
    for (CollectiveReport.Payload payload : sums.payloads()) {
      Double predicted = payload.predictedMs().get(payload.form());
      if (payload.step().equals(CollectiveReport.DECODE) && predicted != null) {
        sumMs = predicted;
      }
    }
  }

  /** Whether ranks have told of their links. */
  boolean isInformed() {
    return !Double.isNaN(sumMs);
  }

  /** The better of two divisions among the same nodes, with the reason. */
  Division choose(Division split, Division replicated) {
    double splitMs = tokenMs(split);
    double replicatedMs = tokenMs(replicated);
    if (split.worldSize() < 2 || Double.isInfinite(splitMs + replicatedMs)) {
      return split;
    }
    boolean isWorth =
        replicated.leaves().equals(split.leaves()) && replicatedMs < PART_MAX * splitMs;
    int saved =
        workload.sums(AttentionPlacement.SPLIT) - workload.sums(AttentionPlacement.REPLICATED);
    return (isWorth ? replicated : split)
        .because(
            String.format(
                Locale.ROOT,
                "replicating saves %d sums a token, %.1f ms, and adds %.1f ms of arithmetic",
                saved,
                saved * sumMs,
                replicatedMs - splitMs + saved * sumMs));
  }

  private double tokenMs(Division division) {
    return 1000 * division.layerSeconds() + workload.sums(division.attention()) * sumMs;
  }
}
