package org.kithlm.coordinator.membership;

import java.time.Duration;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.KeptWeights;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.ProcessMemory;

/** A node that was admitted. Owned by the coordinator's actor. */
final class Member {
  final ActorRef<NodeMessage> ref;
  final String name;
  final long pid;
  final String host;
  final ProcessMemory memory;

  boolean up;
  int rank = Plan.NO_RANK;
  long residentBytes;
  @Nullable String lastError;

  /** Why the last plan that is ready could not be made without it, null if it could. */
  @Nullable String indispensable;

  /** What it keeps for other plans; null where it was not asked to, or has not answered. */
  @Nullable KeptWeights kept;

  final RetryDelay retry = new RetryDelay();

  /** Whether it is to say how fast it is before plans may use it. */
  boolean measuring;

  @Nullable DeviceSpeed speed;

  /** Left out of plans until its delay is over. */
  boolean resting;

  Member(CoordinatorMessage.JoinRequest request) {
    ref = request.replyTo();
    name = request.name();
    pid = request.pid();
    host = request.host();
    memory = request.memory();
  }

  /** Of its process on the control plane. */
  Address address() {
    return ref.path().address();
  }

  /** Takes note of a failure; the result is how long to leave it out. */
  Duration failed(String reason) {
    Duration delay = retry.failed();
    resting = !delay.isZero();
    lastError = retry.describe(reason, delay);
    return delay;
  }

  /** Whether it is here and well. */
  boolean isUsable() {
    return up && !resting && !measuring;
  }

  ClusterView.NodeView view(String state, @Nullable Plan plan) {
    return new ClusterView.NodeView(
        rank,
        name,
        pid,
        host,
        state,
        Plan.share(plan, rank),
        plan == null ? null : plan.division().reasons().get(this),
        residentBytes,
        lastError,
        indispensable,
        kept);
  }
}
