package org.kithlm.coordinator.membership;

import java.util.Set;
import org.kithlm.node.control.CoordinatorMessage;

/**
 * Tells the coordinator's actor which nodes take no part in plans.
 *
 * @param removed ids of all that were removed so far: those that are here must go, the others let
 *     them in no more
 * @param drained ids of those that may stay, but idle
 */
public record NodesExcluded(Set<String> removed, Set<String> drained)
    implements CoordinatorMessage {
  /** Nobody. */
  static final NodesExcluded NONE = new NodesExcluded(Set.of(), Set.of());
}
