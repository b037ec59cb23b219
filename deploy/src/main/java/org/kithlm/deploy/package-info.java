/** The kith command. */
@NullMarked
package org.kithlm.deploy;

import org.jspecify.annotations.NullMarked;
