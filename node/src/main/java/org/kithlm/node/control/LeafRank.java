package org.kithlm.node.control;

import java.util.List;

/**
 * A rank whose weights are in memory, as its node's actor sees it. Methods return at once; the work
 * is done on the rank's own thread.
 */
public interface LeafRank {
  /** UDP port that its data plane listens at. */
  int dataPort();

  /** Most tokens that a step may have here. */
  int maxTokens();

  /**
   * Connects to the other ranks and serves steps until closed.
   *
   * @param peers all ranks in rank order
   * @param listener told from the rank's thread
   */
  void start(List<NodeMessage.Peer> peers, Listener listener);

  /** Whether no step is under way, nor ended within the last half second. */
  boolean isIdle();

  /** What it has used so far. */
  RankStatistics statistics();

  /** Ends its session and frees its weights, soon. Idempotent. */
  void close();

  /** Follows a rank: connected at most once, failed at most once, as its last call. */
  interface Listener {
    /** All peers are there. */
    void onConnected();

    /** A step could not be done; the rank has left it and waits for the next. */
    void onStepFailed(String reason);

    /** The rank has ended by itself. */
    void onFailed(String reason);
  }
}
