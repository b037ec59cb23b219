package org.kithlm.coordinator.membership;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.KeptWeights;

/**
 * The cluster at one moment, for users.
 *
 * @param phase what it is doing
 * @param epoch number of the plan
 * @param nodes all processes, the root first
 * @param sums how the ranks form sums, null until they are connected
 * @param attention who computes attention, and why; null until they are connected
 */
public record ClusterView(
    Phase phase,
    long epoch,
    List<NodeView> nodes,
    @Nullable CollectiveReport sums,
    @Nullable String attention) {
  /** What a cluster is doing. */
  public enum Phase {
    /** Waits for nodes, or for what is measured of devices. */
    GATHERING,
    /** The last plan failed; the next follows after a delay, or when a node comes or goes. */
    RETRYING,
    /** Ranks bring their weights into memory. */
    LOADING,
    /** Ranks connect to one another. */
    CONNECTING,
    /** Requests are answered. */
    READY
  }

  /**
   * One process.
   *
   * @param rank its rank in the plan, -1 for none
   * @param name what the user calls the device
   * @param pid its process id
   * @param address where the others reach it
   * @param state what it does
   * @param share part of each layer that it computes, 0 to 1; 0 without a rank
   * @param shareReason why so much; null for equal shares
   * @param residentBytes weights in its memory
   * @param lastError what last went wrong there
   * @param indispensable why the others could not go on without it, null if they could
   * @param kept weights that it keeps on its disk for other plans, null where it was not asked to
   */
  public record NodeView(
      int rank,
      String name,
      long pid,
      String address,
      String state,
      double share,
      @Nullable String shareReason,
      long residentBytes,
      @Nullable String lastError,
      @Nullable String indispensable,
      @Nullable KeptWeights kept) {}

  /** Copies the list. */
  public ClusterView {
    nodes = List.copyOf(nodes);
  }
}
