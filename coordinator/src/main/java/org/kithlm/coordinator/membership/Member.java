package org.kithlm.coordinator.membership;

import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.NodeMessage;

/** A node that proved its token. Owned by the coordinator's actor. */
final class Member {
  private static final int MAX_FAILURES = 3;

  final ActorRef<NodeMessage> ref;
  final String name;
  final long pid;
  final String host;

  boolean up;
  int rank = Plan.NO_RANK;
  long residentBytes;
  @Nullable String lastError;
  private int failures;

  Member(ActorRef<NodeMessage> ref, String name, long pid, String host) {
    this.ref = ref;
    this.name = name;
    this.pid = pid;
    this.host = host;
  }

  void failed(String reason) {
    lastError = reason;
    failures++;
  }

  void succeeded() {
    failures = 0;
  }

  /** Whether a plan may use it: a node that fails again and again is left out until it rejoins. */
  boolean isUsable() {
    return up && failures < MAX_FAILURES;
  }

  ClusterView.NodeView view(String phase) {
    String state = !up ? "joining" : !isUsable() ? "failed" : rank == Plan.NO_RANK ? "idle" : phase;
    return new ClusterView.NodeView(rank, name, pid, host, state, residentBytes, lastError);
  }
}
