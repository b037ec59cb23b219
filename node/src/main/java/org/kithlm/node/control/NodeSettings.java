package org.kithlm.node.control;

import java.time.Duration;
import org.kithlm.node.security.RevokedNodes;

/**
 * How a node joins.
 *
 * @param name what the user calls the device
 * @param host address that the other ranks reach this node at
 * @param memory what this process may use
 * @param coordinatorHost address of the coordinator
 * @param coordinatorPort TCP port of its control plane
 * @param revoked takes the ids of nodes that were removed
 * @param joinTimeout how long to look for the coordinator
 */
public record NodeSettings(
    String name,
    String host,
    ProcessMemory memory,
    String coordinatorHost,
    int coordinatorPort,
    RevokedNodes revoked,
    Duration joinTimeout) {}
