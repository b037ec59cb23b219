package org.kithlm.coordinator.membership;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.kithlm.node.control.RankAssignment;

/** Which weights a node keeps on its disk beyond those of its own share. */
public enum Replication {
  /** None. What the next plan asks for is fetched then. */
  NONE,

  /**
   * Those of the ranks before and after its own: where one node comes or goes, the shares of the
   * others move by no more than one, if they are equal.
   */
  NEIGHBOUR,

  /** Those of all layers, so that no plan needs a fetch. */
  FULL;

  /**
   * What a rank's node is to keep, as the share of a rank in the middle of three. That one has no
   * output head, which only the coordinator needs.
   */
  Optional<RankAssignment> wanted(RankAssignment own) {
    return switch (this) {
      case NONE -> Optional.empty();
      case NEIGHBOUR -> Optional.of(middle(own, own.rank() - 1, own.rank() + 2));
      case FULL -> Optional.of(middle(own, 0, own.worldSize()));
    };
  }

  private static RankAssignment middle(RankAssignment own, int fromRank, int toRank) {
    List<Double> shares = own.shares();
    int from = Math.max(0, fromRank);
    int to = Math.min(shares.size(), toRank);
    return own.withShares(
        1,
        List.of(
            sum(shares.subList(0, from)),
            sum(shares.subList(from, to)),
            sum(shares.subList(to, shares.size()))));
  }

  private static double sum(List<Double> shares) {
    return shares.stream().mapToDouble(Double::doubleValue).sum();
  }

  /** As the command line has it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
