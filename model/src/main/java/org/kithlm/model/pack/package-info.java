/**
 * The pack file: a model's weights on disk, in the order of execution and cut so that every slice
 * that a rank could need is a few long runs. Written once per model by one thread; a reader belongs
 * to the thread that opened it.
 */
@NullMarked
package org.kithlm.model.pack;

import org.jspecify.annotations.NullMarked;
