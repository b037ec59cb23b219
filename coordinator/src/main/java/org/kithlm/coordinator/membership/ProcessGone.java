package org.kithlm.coordinator.membership;

import org.apache.pekko.actor.Address;
import org.kithlm.node.control.CoordinatorMessage;

/** Tells the coordinator's actor that no process is left at an address of the control plane. */
public record ProcessGone(Address address) implements CoordinatorMessage {}
