/**
 * What the endpoint tells Prometheus. Without threads: the engine's and the endpoint's count, and
 * the one that asks for the figures collects them.
 */
@NullMarked
package org.kithlm.coordinator.metrics;

import org.jspecify.annotations.NullMarked;
