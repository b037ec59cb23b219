package org.kithlm.coordinator.status;

import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.generation.EngineStatus;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.coordinator.membership.CoordinatorActor;
import org.kithlm.node.control.RankStatistics;

/**
 * Follows the coordinator's actor as its observer, remembers nodes that are gone, and joins that
 * with what engine and ranks tell. Thread-safe.
 */
public final class ClusterFeed implements ClusterSource, Consumer<ClusterView> {
  private static final int MAX_LOST = 8;

  /** Longer than a round of the actor's, which has a deadline itself. */
  private static final long STATISTICS_TIMEOUT_MS = 3_000;

  private final Consumer<ClusterView> next;
  private final Supplier<EngineStatus> engine;
  private final Clock clock;

  // Guarded by this.
  private final Deque<ClusterStatus.LostNode> lost = new ArrayDeque<>();
  private @Nullable ClusterView view;
  private @Nullable Consumer<CoordinatorActor.CollectStatistics> coordinator;

  /**
   * A feed that knows nothing yet.
   *
   * @param next told each view after this
   * @param engine what rank 0 does; must not block
   */
  public ClusterFeed(Consumer<ClusterView> next, Supplier<EngineStatus> engine, Clock clock) {
    this.next = next;
    this.engine = engine;
    this.clock = clock;
  }

  /** Asks the leaves through the coordinator from now on. */
  public synchronized void connect(Consumer<CoordinatorActor.CollectStatistics> newCoordinator) {
    coordinator = newCoordinator;
  }

  @Override
  public void accept(ClusterView newest) {
    remember(newest);
    next.accept(newest);
  }

  private synchronized void remember(ClusterView newest) {
    List<ClusterView.NodeView> before = view == null ? List.of() : view.nodes();
    view = newest;
    long now = clock.instant().getEpochSecond();
    for (ClusterView.NodeView node : before) {
      if (newest.nodes().stream()
          .noneMatch(other -> other.pid() == node.pid() && same(other, node))) {
        lost.addFirst(new ClusterStatus.LostNode(node, now));
      }
    }
    lost.removeIf(gone -> newest.nodes().stream().anyMatch(node -> same(node, gone.node())));
    while (lost.size() > MAX_LOST) {
      lost.removeLast();
    }
  }

  /** Whether two processes are the same device to the user. */
  private static boolean same(ClusterView.NodeView a, ClusterView.NodeView b) {
    return a.name().equals(b.name()) && a.address().equals(b.address());
  }

  /** What each rank has used in this epoch; a rank that does not answer in time is missing. */
  public CompletionStage<Map<Integer, RankStatistics>> statistics() {
    return statistics(engine.get().rootStatistics());
  }

  @Override
  public CompletionStage<ClusterStatus> status() {
    EngineStatus now = engine.get();
    return statistics(now.rootStatistics()).thenApply(used -> status(now, used));
  }

  private synchronized ClusterStatus status(EngineStatus now, Map<Integer, RankStatistics> used) {
    return new ClusterStatus(view, List.copyOf(lost), used, now.queued(), now.timing());
  }

  private CompletionStage<Map<Integer, RankStatistics>> statistics(@Nullable RankStatistics root) {
    CompletableFuture<Map<Integer, RankStatistics>> leaves = new CompletableFuture<>();
    Consumer<CoordinatorActor.CollectStatistics> asked = readyCoordinator();
    if (asked == null) {
      leaves.complete(Map.of()); // a leaf that loads would keep everybody waiting
    } else {
      asked.accept(new CoordinatorActor.CollectStatistics(leaves));
      leaves.completeOnTimeout(Map.of(), STATISTICS_TIMEOUT_MS, TimeUnit.MILLISECONDS);
    }
    return leaves.thenApply(
        used -> {
          Map<Integer, RankStatistics> all = new HashMap<>(used);
          if (root != null) {
            all.put(0, root);
          }
          return all;
        });
  }

  private synchronized @Nullable Consumer<CoordinatorActor.CollectStatistics> readyCoordinator() {
    return view != null && view.phase() == ClusterView.Phase.READY ? coordinator : null;
  }
}
