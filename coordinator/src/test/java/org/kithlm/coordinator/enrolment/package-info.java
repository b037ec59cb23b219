/** Strangers and members at the doors of a cluster. */
@NullMarked
package org.kithlm.coordinator.enrolment;

import org.jspecify.annotations.NullMarked;
