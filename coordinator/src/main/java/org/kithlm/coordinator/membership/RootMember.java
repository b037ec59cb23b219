package org.kithlm.coordinator.membership;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.rank.RootRank;

/** Rank 0, which is this process. Owned by the coordinator's actor. */
final class RootMember {
  private final String name;
  private final String host;

  final RetryDelay retry = new RetryDelay();

  /** Whether no plan can be made yet, as this device is being measured. */
  boolean measuring;

  private @Nullable RootRank loaded;
  private long residentBytes;
  private @Nullable String lastError;

  RootMember(String name, String host) {
    this.name = name;
    this.host = host;
  }

  void loaded(RootRank rank) {
    loaded = rank;
    residentBytes = rank.statistics().weightsResidentBytes();
  }

  boolean isLoaded() {
    return loaded != null;
  }

  /** Gives the loaded rank away, to the engine that closes it. */
  RootRank handOver() {
    RootRank rank = loaded;
    if (rank == null) {
      throw new IllegalStateException("rank 0 is not loaded");
    }
    loaded = null;
    return rank;
  }

  /** Closes the rank if it was loaded and not given away. */
  void close() {
    if (loaded != null) {
      handOver().close();
    }
  }

  /** Takes note of a failure; the result is how long to wait before the next plan. */
  Duration failed(String reason) {
    Duration delay = retry.failed();
    lastError = retry.describe(reason, delay);
    return delay;
  }

  void connected() {
    lastError = null;
  }

  ClusterView.NodeView view(String phase, @Nullable Plan plan) {
    return new ClusterView.NodeView(
        0,
        name,
        ProcessHandle.current().pid(),
        host,
        phase,
        Plan.share(plan, 0),
        plan == null ? null : plan.division().rootReason(),
        residentBytes,
        lastError,
        "it leads the cluster",
        null);
  }
}
