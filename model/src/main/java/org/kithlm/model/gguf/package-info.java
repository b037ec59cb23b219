/** GGUF v3 files: types, metadata and tensors, bounds-checked. Single-threaded. */
@NullMarked
package org.kithlm.model.gguf;

import org.jspecify.annotations.NullMarked;
