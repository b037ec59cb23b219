/** Tests of the figures for Prometheus. */
@NullMarked
package org.kithlm.coordinator.metrics;

import org.jspecify.annotations.NullMarked;
