package org.kithlm.node.control;

import java.time.Duration;

/**
 * How a node joins.
 *
 * @param name what the user calls the device
 * @param host address that the other ranks reach this node at
 * @param coordinatorHost address of the coordinator
 * @param coordinatorPort TCP port of its control plane
 * @param token the shared secret
 * @param joinTimeout how long to look for the coordinator
 */
public record NodeSettings(
    String name,
    String host,
    String coordinatorHost,
    int coordinatorPort,
    JoinToken token,
    Duration joinTimeout) {}
