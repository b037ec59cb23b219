/**
 * Text to token ids and back, exactly as the model was trained, from the vocabulary in its GGUF
 * metadata. A {@link org.kithlm.model.tokenizer.Tokenizer} is immutable and shared by all threads;
 * a {@link org.kithlm.model.tokenizer.StreamingDetokenizer} belongs to the thread that generates.
 */
@NullMarked
package org.kithlm.model.tokenizer;

import org.jspecify.annotations.NullMarked;
