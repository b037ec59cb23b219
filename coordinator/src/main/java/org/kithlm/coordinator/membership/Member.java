package org.kithlm.coordinator.membership;

import java.time.Duration;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.NodeMessage;

/** A node that was admitted. Owned by the coordinator's actor. */
final class Member {
  final ActorRef<NodeMessage> ref;
  final String name;
  final long pid;
  final String host;

  boolean up;
  int rank = Plan.NO_RANK;
  long residentBytes;
  @Nullable String lastError;
  final RetryDelay retry = new RetryDelay();

  /** Left out of plans until its delay is over. */
  boolean resting;

  Member(ActorRef<NodeMessage> ref, String name, long pid, String host) {
    this.ref = ref;
    this.name = name;
    this.pid = pid;
    this.host = host;
  }

  /** Takes note of a failure; the result is how long to leave it out. */
  Duration failed(String reason) {
    Duration delay = retry.failed();
    resting = !delay.isZero();
    lastError = retry.describe(reason, delay);
    return delay;
  }

  /** Whether a plan may use it. */
  boolean isUsable() {
    return up && !resting;
  }

  ClusterView.NodeView view(String phase, @Nullable Plan plan) {
    String state = !up ? "joining" : resting ? "retrying" : rank == Plan.NO_RANK ? "idle" : phase;
    return new ClusterView.NodeView(
        rank, name, pid, host, state, Plan.share(plan, rank), residentBytes, lastError);
  }
}
