/** The frames on the wire and their layout. Flyweights belong to the session's owning thread. */
@NullMarked
package org.kithlm.transport.frame;

import org.jspecify.annotations.NullMarked;
