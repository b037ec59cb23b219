/**
 * Byte extents of a file in memory: direct reads, checks, residency. Knows nothing of models. A
 * store belongs to the thread that acquires from it; loading uses two reader threads that end with
 * it.
 */
@NullMarked
package org.kithlm.memory;

import org.jspecify.annotations.NullMarked;
