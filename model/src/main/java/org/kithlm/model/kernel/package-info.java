/**
 * Arithmetic on weight blocks and activations, each kernel with a scalar twin that reads like the
 * formula. Called from the rank's compute threads; no state of its own.
 */
@NullMarked
package org.kithlm.model.kernel;

import org.jspecify.annotations.NullMarked;
