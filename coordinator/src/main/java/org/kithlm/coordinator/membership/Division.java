package org.kithlm.coordinator.membership;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.control.RankAssignment;

/**
 * Who computes how much of each layer.
 *
 * @param considered the nodes that there were to choose from
 * @param leaves those that were chosen, from rank 1 on; rank 0 is this process
 * @param shares relative, one for each rank
 * @param attention whether shares are of attention too, or of the FFN only
 * @param attentionReason why so, for users; null where there was no choice
 * @param layerSeconds what the layers take for a token without their sums; NaN where devices were
 *     not measured, infinite where their memory is too little
 * @param rootReason why rank 0 has its share, for users; null for equal shares
 * @param reasons the same for nodes, also those that were not chosen
 */
record Division(
    List<Member> considered,
    List<Member> leaves,
    List<Double> shares,
    AttentionPlacement attention,
    @Nullable String attentionReason,
    double layerSeconds,
    @Nullable String rootReason,
    Map<Member, String> reasons) {
  /** Where no rank is to send. */
  static final EpochKey UNUSED_KEY = EpochKey.create();

  Division {
    considered = List.copyOf(considered);
    leaves = List.copyOf(leaves);
    shares = List.copyOf(shares);
    reasons = Map.copyOf(reasons);
  }

  /** The same with a reason for where attention is computed. */
  Division because(String reason) {
    return new Division(
        considered, leaves, shares, attention, reason, layerSeconds, rootReason, reasons);
  }

  /** The same with reasons for the shares of nodes. */
  Division with(Map<Member, String> allReasons) {
    return new Division(
        considered,
        leaves,
        shares,
        attention,
        attentionReason,
        layerSeconds,
        rootReason,
        allReasons);
  }

  int worldSize() {
    return shares.size();
  }

  RankAssignment assignment(long epoch, int rank, CoordinatorSettings settings, EpochKey key) {
    return new RankAssignment(
        epoch,
        rank,
        shares,
        attention,
        settings.workload().head(),
        settings.packId(),
        settings.contextLength(),
        settings.kvType(),
        settings.maxTokens(),
        settings.collective(),
        settings.precision(),
        key);
  }

  /** For a node's weights only: nobody can send with it. */
  RankAssignment assignment(Member leaf, long epoch, CoordinatorSettings settings) {
    return assignment(epoch, leaves.indexOf(leaf) + 1, settings, UNUSED_KEY);
  }

  ProcessMemory memory(int rank, CoordinatorSettings settings) {
    return rank == 0 ? settings.memory() : leaves.get(rank - 1).memory;
  }

  /** How a rank is named to users. */
  String name(int rank, CoordinatorSettings settings) {
    return rank == 0 ? settings.name() : leaves.get(rank - 1).name;
  }
}
