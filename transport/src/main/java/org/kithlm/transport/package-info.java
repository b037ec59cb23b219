/**
 * The data plane: frames of floats and the star collective over Aeron. One owning thread per rank.
 */
@NullMarked
package org.kithlm.transport;

import org.jspecify.annotations.NullMarked;
