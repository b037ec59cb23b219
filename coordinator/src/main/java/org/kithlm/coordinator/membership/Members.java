package org.kithlm.coordinator.membership;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.NodeMessage;

/**
 * The nodes that were admitted, and which of them plans may use. Owned by the coordinator's actor.
 */
final class Members {
  private final Map<ActorRef<NodeMessage>, Member> members = new LinkedHashMap<>();
  private final ClusterDoor door;
  private NodesExcluded excluded = NodesExcluded.NONE;

  Members(ClusterDoor door) {
    this.door = door;
  }

  /** Whether it is a new one. */
  boolean add(Member member) {
    return members.putIfAbsent(member.ref, member) == null;
  }

  @Nullable Member get(ActorRef<NodeMessage> node) {
    return members.get(node);
  }

  /** Those that are here, in the order in which they came. */
  List<Member> list() {
    return List.copyOf(members.values());
  }

  Set<ActorRef<NodeMessage>> refs() {
    return Set.copyOf(members.keySet());
  }

  boolean isEmpty() {
    return members.isEmpty();
  }

  /** Those in the process at an address of the control plane. */
  List<Member> at(Address address) {
    return list().stream().filter(member -> member.address().equals(address)).toList();
  }

  void remove(Member member) {
    members.remove(member.ref);
  }

  /** Leaves nodes out from now on. */
  void exclude(NodesExcluded nodes) {
    excluded = nodes;
  }

  Set<String> removedIds() {
    return excluded.removed();
  }

  boolean isRemoved(Member member) {
    return door.isAnyOf(member, excluded.removed());
  }

  /** Those that a plan may use. */
  List<Member> usable() {
    return list().stream()
        .filter(member -> member.isUsable() && !door.isAnyOf(member, excluded.drained()))
        .toList();
  }

  /** What a node does, in a word for users. */
  String state(Member member, String phase) {
    boolean works = member.rank != Plan.NO_RANK;
    if (!member.up) {
      return "joining";
    }
    if (door.isAnyOf(member, excluded.drained())) {
      return works ? "draining" : "drained";
    }
    if (member.measuring) {
      return "measuring";
    }
    return member.resting ? "retrying" : works ? phase : "idle";
  }
}
