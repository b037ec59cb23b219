/** The kith command: entry point, exit codes and the folder that holds its state. */
@NullMarked
package org.kithlm.deploy;

import org.jspecify.annotations.NullMarked;
