/** The sub-commands of kith and what they share. Each runs on the main thread. */
@NullMarked
package org.kithlm.deploy.cli;

import org.jspecify.annotations.NullMarked;
