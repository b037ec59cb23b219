package org.kithlm.node.rank;

import java.util.List;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.kv.NameKey;
import org.kithlm.node.kv.PageName;

/**
 * Names that stand for all that the bits of a page depend on: the tokens up to its end, the model,
 * how keys and values are kept, and where sums are rounded, who sums what.
 *
 * @param key the root's secret
 */
public record PageNames(NameKey key) {
  /** Raised when the arithmetic changes, so that what was kept before is not found any more. */
  private static final int ARITHMETIC = 1;

  List<PageName> names(RankAssignment assignment, int[] tokens, int count) {
    return key.names(context(assignment), tokens, count);
  }

  private static String context(RankAssignment assignment) {
    String context = "%d %s %s".formatted(ARITHMETIC, assignment.packId(), assignment.kvType());
    return assignment.precision() == SumPrecision.EXACT
        ? context
        : "%s %s %s %s %s"
            .formatted(
                context,
                assignment.precision(),
                assignment.collective(),
                assignment.shares(),
                assignment.attention());
  }
}
