/** Who is in the cluster and which plan it runs. State belongs to the coordinator's actor. */
@NullMarked
package org.kithlm.coordinator.membership;

import org.jspecify.annotations.NullMarked;
