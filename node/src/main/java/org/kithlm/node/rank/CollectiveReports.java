package org.kithlm.node.rank;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.collective.RootSession;

/** What the root's session knows of sums, as users are told. */
final class CollectiveReports {
  private static final List<CollectiveChoice> MEASURED_FORMS =
      List.of(CollectiveChoice.STAR, CollectiveChoice.DIRECT, CollectiveChoice.TWO_SHOT);

  private CollectiveReports() {}

  /** Of a rank that has nobody to sum with. */
  static CollectiveReport alone(RankAssignment assignment) {
    return new CollectiveReport(
        assignment.collective(), assignment.precision(), false, null, List.of());
  }

  /**
   * Of a connected root. Its owning thread.
   *
   * @param hiddenSize floats of one token
   * @param maxTokens of a step
   */
  static CollectiveReport of(
      RankAssignment assignment, RootSession root, int hiddenSize, int maxTokens) {
    return new CollectiveReport(
        assignment.collective(),
        assignment.precision(),
        true,
        links(root.costs()),
        List.of(
            payload(CollectiveReport.DECODE, root, hiddenSize),
            payload(CollectiveReport.PREFILL, root, maxTokens * hiddenSize)));
  }

  private static CollectiveReport.@Nullable Links links(@Nullable LinkCosts costs) {
    return costs == null
        ? null
        : new CollectiveReport.Links(
            costs.starLatencyNs() / 1e6,
            costs.meshLatencyNs() / 1e6,
            costs.bytesPerSecond(),
            costs.datagramNs() / 1e3);
  }

  private static CollectiveReport.Payload payload(String step, RootSession root, int length) {
    Map<CollectiveChoice, Double> predictedMs = new EnumMap<>(CollectiveChoice.class);
    if (root.costs() != null) {
      for (CollectiveChoice form : MEASURED_FORMS) {
        predictedMs.put(form, root.predictedNs(SessionConfigs.collective(form), length) / 1e6);
      }
    }
    CollectiveChoice picked = SessionConfigs.choice(root.formFor(length));
    return new CollectiveReport.Payload(step, (long) length * Float.BYTES, picked, predictedMs);
  }
}
