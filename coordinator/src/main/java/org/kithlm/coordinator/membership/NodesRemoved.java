package org.kithlm.coordinator.membership;

import java.util.Set;
import org.kithlm.node.control.CoordinatorMessage;

/**
 * Tells the coordinator's actor that nodes were removed: those that are here must go, the others
 * let them in no more.
 *
 * @param ids of all that were removed so far
 */
public record NodesRemoved(Set<String> ids) implements CoordinatorMessage {}
