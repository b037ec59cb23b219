package org.kithlm.coordinator.membership;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.JoinToken;
import org.kithlm.node.control.NodeMessage;

/** Challenges strangers to prove the join token. Owned by the coordinator's actor. */
final class Enrolment {
  private static final int MAX_NONCES = 256;

  private final JoinToken token;
  private final Map<String, ActorRef<NodeMessage>> nonces = new LinkedHashMap<>();

  Enrolment(JoinToken token) {
    this.token = token;
  }

  /** A challenge for one node; of too many that are open, the oldest is forgotten. */
  NodeMessage.Challenge challenge(ActorRef<NodeMessage> node) {
    if (nonces.size() >= MAX_NONCES) {
      nonces.remove(nonces.keySet().iterator().next()); // strangers must not fill the memory
    }
    String nonce = JoinToken.nonce();
    nonces.put(nonce, node);
    return new NodeMessage.Challenge(nonce);
  }

  /** Whether a node proved the token for a challenge of its own, which it can do once. */
  boolean admits(CoordinatorMessage.JoinRequest request) {
    boolean asked = request.replyTo().equals(nonces.remove(request.nonce()));
    return asked
        && token.verifies(request.proof(), request.nonce(), request.name(), request.host());
  }
}
