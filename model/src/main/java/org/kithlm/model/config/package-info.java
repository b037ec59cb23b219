/** The hyperparameters of a model, whatever file they came from. Immutable. */
@NullMarked
package org.kithlm.model.config;

import org.jspecify.annotations.NullMarked;
