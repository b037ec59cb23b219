/** Chooses the next token from logits. Owned by the root's compute thread. */
@NullMarked
package org.kithlm.model.sampling;

import org.jspecify.annotations.NullMarked;
