/** Who holds which slice of every layer. Immutable. */
@NullMarked
package org.kithlm.model.shard;

import org.jspecify.annotations.NullMarked;
