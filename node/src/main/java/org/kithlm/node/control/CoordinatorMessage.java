package org.kithlm.node.control;

import org.apache.pekko.actor.typed.ActorRef;

/** What nodes tell the coordinator. */
public interface CoordinatorMessage extends KithMessage {
  /** Asks for a challenge, the first step of joining. */
  record Hello(ActorRef<NodeMessage> replyTo) implements CoordinatorMessage {}

  /**
   * Asks to be admitted.
   *
   * @param name what the user calls the device
   * @param pid process id
   * @param host address that the data plane of this node listens at
   * @param nonce of the {@link NodeMessage.Challenge}
   * @param proof {@link JoinToken#proof} over nonce, name and host
   * @param replyTo the node
   */
  record JoinRequest(
      String name, long pid, String host, String nonce, String proof, ActorRef<NodeMessage> replyTo)
      implements CoordinatorMessage {}

  /** The admitted node is a member of the cluster and waits for work. */
  record NodeUp(ActorRef<NodeMessage> node) implements CoordinatorMessage {}

  /** The shard of an epoch is in memory; its data plane will listen at {@code dataPort}. */
  record ShardLoaded(long epoch, int rank, int dataPort, long residentBytes)
      implements CoordinatorMessage {}

  /** The data plane of an epoch is connected. */
  record RankConnected(long epoch, int rank) implements CoordinatorMessage {}

  /** A rank could not do its part of a step, and waits for the next one. */
  record StepFailed(long epoch, int rank, String reason) implements CoordinatorMessage {}

  /** A rank cannot go on in this epoch. */
  record RankFailed(long epoch, int rank, String reason) implements CoordinatorMessage {}

  /** Answer to {@link NodeMessage.ReportStatistics}. */
  record Statistics(long epoch, int rank, RankStatistics statistics)
      implements CoordinatorMessage {}
}
