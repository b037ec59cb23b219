package org.kithlm.coordinator.membership;

import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.rank.RootRank;

/** What the coordinator's actor tells itself: its timers, and how rank 0 does in this process. */
sealed interface CoordinatorEvent extends CoordinatorMessage {
  /** What was found of this device; null where it failed. */
  record RootMeasured(@Nullable DeviceSpeed speed, @Nullable String failure)
      implements CoordinatorEvent {}

  record RootLoaded(long epoch, RootRank rank) implements CoordinatorEvent {}

  record RootActivated(long epoch, CollectiveReport sums) implements CoordinatorEvent {}

  record RootFailed(long epoch, String reason) implements CoordinatorEvent {}

  /** No generation is running: a node may be taken in. */
  record Replan() implements CoordinatorEvent {}

  /** The delay after a failed plan is over. */
  record RetryPlan() implements CoordinatorEvent {}

  /** The delay after a node's failure is over. */
  record RetryMember(ActorRef<NodeMessage> node) implements CoordinatorEvent {}

  /** The plan of an epoch has served long enough to be called a good one. */
  record Settled(long epoch) implements CoordinatorEvent {}

  record StatisticsTimedOut() implements CoordinatorEvent {}

  record LeaveTimedOut() implements CoordinatorEvent {}
}
