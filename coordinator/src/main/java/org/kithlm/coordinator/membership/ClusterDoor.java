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
  /** Whether a member proved to be one of the nodes that were removed. */
  boolean isShutTo(Member member, Set<String> removedIds) {
    return identities.apply(member.ref.path().address()).filter(removedIds::contains).isPresent();
  }

  void shutOut(Member member) {
    downing.accept(member.ref.path().address());
  }
}
