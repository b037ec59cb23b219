/**
 * Byte extents of a file within a budget of memory: direct reads, checks, a pinned set and a ring
 * for the rest. Knows nothing of models. A store belongs to the thread that acquires from it; two
 * threads load what stays and end with that, two others read ahead through the ring until the store
 * is closed.
 */
@NullMarked
package org.kithlm.memory;

import org.jspecify.annotations.NullMarked;
