/**
 * Processes of a cluster: the server that leads one, the nodes that a local cluster starts, and
 * what both tell the user. Started and closed by one command each.
 */
@NullMarked
package org.kithlm.deploy.cluster;

import org.jspecify.annotations.NullMarked;
