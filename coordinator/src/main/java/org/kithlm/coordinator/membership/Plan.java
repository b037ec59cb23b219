package org.kithlm.coordinator.membership;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;

/**
 * One epoch: which member is which rank, and how far each has come. Rank 0 is this process. Owned
 * by the coordinator's actor.
 */
final class Plan {
  /** Stands for a member that no plan uses. */
  static final int NO_RANK = -1;

  final long epoch;
  private final EpochKey key = EpochKey.create();
  private final Division division;

  /** How the ranks form sums; null until they are connected. */
  @Nullable CollectiveReport sums;

  /** Who computes attention and why, for users; null until all are connected. */
  @Nullable String attention;

  private final NodeMessage.@Nullable Peer[] peers;
  private final boolean[] connected;

  Plan(long epoch, Division division) {
    this.epoch = epoch;
    this.division = division;
    this.peers = new NodeMessage.Peer[division.worldSize()];
    this.connected = new boolean[division.worldSize()];
    for (int i = 0; i < leaves().size(); i++) {
      leaves().get(i).rank = i + 1;
    }
  }

  Division division() {
    return division;
  }

  int worldSize() {
    return division.worldSize();
  }

  List<Member> leaves() {
    return division.leaves();
  }

  boolean uses(Member member) {
    return leaves().contains(member);
  }

  RankAssignment assignment(int rank, CoordinatorSettings settings) {
    return division.assignment(epoch, rank, settings, key);
  }

  /** Part of each layer that a rank computes, 0 to 1; 0 for no rank or no plan. */
  static double share(@Nullable Plan plan, int rank) {
    if (plan == null || rank == NO_RANK) {
      return 0;
    }
    List<Double> shares = plan.division.shares();
    return shares.get(rank) / shares.stream().mapToDouble(Double::doubleValue).sum();
  }

  void loaded(int rank, String host, int dataPort, int maxTokens) {
    peers[rank] = new NodeMessage.Peer(rank, host, dataPort, maxTokens);
  }

  void connected(int rank) {
    connected[rank] = true;
  }

  /** Where all ranks listen, or null while one is still loading. */
  @Nullable List<NodeMessage.Peer> peers() {
    List<NodeMessage.Peer> all = new ArrayList<>(peers.length);
    for (NodeMessage.@Nullable Peer peer : peers) {
      if (peer == null) {
        return null;
      }
      all.add(peer);
    }
    return all;
  }

  boolean isConnected() {
    for (boolean done : connected) {
      if (!done) {
        return false;
      }
    }
    return true;
  }

  /** How a rank is named to users. */
  String describe(Member member) {
    NodeMessage.Peer peer = member.rank == NO_RANK ? null : peers[member.rank];
    String address = peer == null ? member.host : peer.host() + ":" + peer.port();
    return "rank " + member.rank + " (" + member.name + ", " + address + ")";
  }
}
