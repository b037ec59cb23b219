/** One rank of the cluster. */
@NullMarked
package org.kithlm.node;

import org.jspecify.annotations.NullMarked;
