/**
 * The data plane's values: addresses, configuration, errors, counters. Immutable, but for {@link
 * DataPort}.
 */
@NullMarked
package org.kithlm.transport;

import org.jspecify.annotations.NullMarked;
