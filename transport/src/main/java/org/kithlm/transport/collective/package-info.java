/**
 * Sessions of a root and its leaves: the root broadcasts a step, and all ranks sum vectors in one
 * of several forms. Each session is owned by one thread; aborting, failing and reading counters are
 * open to all threads.
 */
@NullMarked
package org.kithlm.transport.collective;

import org.jspecify.annotations.NullMarked;
