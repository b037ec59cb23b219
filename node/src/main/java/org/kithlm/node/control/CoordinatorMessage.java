package org.kithlm.node.control;

import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;

/** What nodes tell the coordinator. */
public interface CoordinatorMessage extends KithMessage {
  /**
   * Asks for work; the sender proved by its certificate that it may.
   *
   * @param name what the user calls the device
   * @param pid process id
   * @param host address that the data plane of this node listens at
   * @param memory of its process
   * @param replyTo the node
   */
  record JoinRequest(
      String name, long pid, String host, ProcessMemory memory, ActorRef<NodeMessage> replyTo)
      implements CoordinatorMessage {}

  /** The admitted node is a member of the cluster and waits for work. */
  record NodeUp(ActorRef<NodeMessage> node) implements CoordinatorMessage {}

  /**
   * What a node has found of its device.
   *
   * @param speed null where it failed
   * @param failure why
   */
  record DeviceMeasured(
      ActorRef<NodeMessage> node, @Nullable DeviceSpeed speed, @Nullable String failure)
      implements CoordinatorMessage {}

  /**
   * The shard of an epoch is in memory.
   *
   * @param dataPort where its data plane will listen
   * @param maxTokens most tokens that its steps may have
   * @param residentBytes memory for its weights
   */
  record ShardLoaded(long epoch, int rank, int dataPort, int maxTokens, long residentBytes)
      implements CoordinatorMessage {}

  /** The data plane of an epoch is connected. */
  record RankConnected(long epoch, int rank) implements CoordinatorMessage {}

  /** A rank could not do its part of a step, and waits for the next one. */
  record StepFailed(long epoch, int rank, String reason) implements CoordinatorMessage {}

  /** A rank cannot go on in this epoch. */
  record RankFailed(long epoch, int rank, String reason) implements CoordinatorMessage {}

  /** How far a node has come with {@link NodeMessage.KeepWeights}. */
  record WeightsKept(ActorRef<NodeMessage> node, KeptWeights weights)
      implements CoordinatorMessage {}

  /** Answer to {@link NodeMessage.ReportStatistics}. */
  record Statistics(long epoch, int rank, RankStatistics statistics)
      implements CoordinatorMessage {}
}
