/** Measurements for {@code kith bench}. Run by the command's thread. */
@NullMarked
package org.kithlm.deploy.bench;

import org.jspecify.annotations.NullMarked;
