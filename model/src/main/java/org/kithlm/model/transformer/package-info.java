/** The forward pass of one rank. Owned by the rank's compute thread. */
@NullMarked
package org.kithlm.model.transformer;

import org.jspecify.annotations.NullMarked;
