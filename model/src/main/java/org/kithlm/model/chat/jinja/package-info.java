/**
 * A small interpreter of the Jinja subset that chat templates use, with Python's values, printing
 * and whitespace rules. A parsed {@link org.kithlm.model.chat.jinja.Template} is immutable and
 * thread-safe; everything else belongs to the thread of one parse or one rendering.
 */
@NullMarked
package org.kithlm.model.chat.jinja;

import org.jspecify.annotations.NullMarked;
