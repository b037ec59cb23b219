/**
 * What the forward pass needs of the weights: tiles and the source that brings them into memory.
 * Owned by the rank's compute thread.
 */
@NullMarked
package org.kithlm.model.weight;

import org.jspecify.annotations.NullMarked;
