package org.kithlm.coordinator.membership;

import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.rank.RootRank;

/** What runs generations on rank 0, as the coordinator's actor sees it. Calls return at once. */
public interface RootEngine {
  /**
   * Takes over a loaded root, connects it and starts to serve.
   *
   * @param onLost told once, from any thread, if the session ends by itself after it was connected
   * @return when all ranks are connected, with how they form sums; or a failure, and the root is
   *     closed then
   */
  CompletionStage<CollectiveReport> activate(
      RootRank rank, List<NodeMessage.Peer> peers, Consumer<String> onLost);

  /**
   * Ends the session at once, also one that is not connected yet; a running generation fails with
   * the reason, queued ones wait for the next root.
   */
  void deactivate(String reason);

  /**
   * Fails the running generation, if any, and ends its step: a leaf could not do its part of it.
   * The session goes on.
   */
  void failStep(String reason);

  /** Runs an action when no generation is running, before the next one starts. */
  void whenIdle(Runnable action);
}
