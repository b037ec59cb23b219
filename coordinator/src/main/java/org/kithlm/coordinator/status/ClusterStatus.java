package org.kithlm.coordinator.status;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.GenerationTiming;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.node.control.RankStatistics;

/**
 * The cluster and its work at one moment.
 *
 * @param view the nodes and what they do; null before the coordinator has begun
 * @param lost nodes that are gone and have not come back, the newest first
 * @param used what each rank has used in this epoch; a rank that did not answer is missing
 * @param queued requests that wait for their turn
 * @param timing of the running generation, or of the last one; null before the first
 */
public record ClusterStatus(
    @Nullable ClusterView view,
    List<LostNode> lost,
    Map<Integer, RankStatistics> used,
    int queued,
    @Nullable GenerationTiming timing) {
  /** Before anything is known. */
  public static final ClusterStatus UNKNOWN = new ClusterStatus(null, List.of(), Map.of(), 0, null);

  /**
   * A node that is gone.
   *
   * @param node the last that was known of it
   * @param lostEpochSeconds when it was missed
   */
  public record LostNode(ClusterView.NodeView node, long lostEpochSeconds) {}

  /** Copies the collections. */
  public ClusterStatus {
    lost = List.copyOf(lost);
    used = Map.copyOf(used);
  }
}
