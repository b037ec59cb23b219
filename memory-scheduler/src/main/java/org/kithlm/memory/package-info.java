/** Byte extents of a file in memory: direct reads, checks, residency. Knows nothing of models. */
@NullMarked
package org.kithlm.memory;

import org.jspecify.annotations.NullMarked;
