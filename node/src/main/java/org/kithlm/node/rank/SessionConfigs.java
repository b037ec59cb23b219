package org.kithlm.node.rank;

import java.util.Arrays;
import java.util.List;
import org.kithlm.model.transformer.Allreduce;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.SumEncoding;

/** A plan as the transport wants it. */
final class SessionConfigs {
  private SessionConfigs() {}

  /** Most tokens in one step: what the rank with the smallest heap takes. */
  static int maxTokens(List<NodeMessage.Peer> peers) {
    return peers.stream().mapToInt(NodeMessage.Peer::maxTokens).min().orElseThrow();
  }

  /** A block's number in a frame. */
  static int number(Allreduce.Block block) {
    return switch (block) {
      case ATTENTION -> 0;
      case FFN -> 1;
      case ATTENTION_REST -> 2;
      case FFN_REST -> 3;
    };
  }

  /** The transport's word for a choice. */
  static Collective collective(CollectiveChoice choice) {
    return switch (choice) {
      case STAR -> Collective.STAR;
      case DIRECT -> Collective.DIRECT;
      case TWO_SHOT -> Collective.TWO_SHOT;
      case AUTO -> Collective.AUTO;
      case SHARED_MEMORY -> Collective.SHARED_MEMORY;
    };
  }

  private static SumEncoding encoding(SumPrecision precision) {
    return switch (precision) {
      case EXACT -> SumEncoding.EXACT;
      case F32 -> SumEncoding.F32;
      case BF16 -> SumEncoding.BF16;
      case Q8 -> SumEncoding.Q8;
    };
  }

  /** Our word for a form. */
  static CollectiveChoice choice(Collective form) {
    return Arrays.stream(CollectiveChoice.values())
        .filter(choice -> collective(choice) == form)
        .findFirst()
        .orElseThrow();
  }

  static SessionConfig of(RankAssignment assignment, List<NodeMessage.Peer> peers, int maxFloats) {
    return SessionConfig.of(
            assignment.epoch(),
            assignment.rank(),
            peers.stream()
                .map(peer -> new PeerAddress(peer.rank(), peer.host(), peer.port()))
                .toList(),
            maxFloats)
        .withCollective(collective(assignment.collective()))
        .withEncoding(encoding(assignment.precision()))
        .withKey(assignment.key().bytes());
  }
}
