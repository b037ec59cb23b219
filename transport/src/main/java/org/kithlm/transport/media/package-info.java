/**
 * What carries frames: an embedded Aeron media driver and its directory. Runs no thread: the
 * session's owning thread drives it.
 */
@NullMarked
package org.kithlm.transport.media;

import org.jspecify.annotations.NullMarked;
