/**
 * What users are shown of the cluster and its work. {@code ClusterFeed} is told by the
 * coordinator's actor and asked from any thread.
 */
@NullMarked
package org.kithlm.coordinator.status;

import org.jspecify.annotations.NullMarked;
