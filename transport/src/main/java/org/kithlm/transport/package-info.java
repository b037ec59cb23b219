/**
 * The data plane's values: addresses, configuration, errors, counters, and how sums are encoded.
 * Immutable, but for {@link DataPort}.
 */
@NullMarked
package org.kithlm.transport;

import org.jspecify.annotations.NullMarked;
