/**
 * The star: the root broadcasts a step, leaves send partial sums, the root adds and answers. Each
 * session is owned by one thread; aborting, failing and reading counters are open to all threads.
 */
@NullMarked
package org.kithlm.transport.star;

import org.jspecify.annotations.NullMarked;
