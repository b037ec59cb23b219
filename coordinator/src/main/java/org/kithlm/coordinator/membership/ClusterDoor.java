package org.kithlm.coordinator.membership;

import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.actor.Address;

/**
 * The cluster below the coordinator's actor: who a member proved to be, and how it is shut out.
 *
 * @param identities knows the node id in the certificate of a process
 * @param downing takes the addresses of processes that are gone: nobody else can join while the
 *     cluster waits for them
 */
record ClusterDoor(Function<Address, Optional<String>> identities, Consumer<Address> downing) {
  /** Whether a member proved to be one of some nodes. */
  boolean isAnyOf(Member member, Set<String> nodeIds) {
    return !nodeIds.isEmpty()
        && identities.apply(member.address()).filter(nodeIds::contains).isPresent();
  }

  void shutOut(Member member) {
    downing.accept(member.address());
  }
}
