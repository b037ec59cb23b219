/**
 * One rank of the data plane: weights, forward pass and collective joined. Each rank belongs to one
 * thread.
 */
@NullMarked
package org.kithlm.node.rank;

import org.jspecify.annotations.NullMarked;
