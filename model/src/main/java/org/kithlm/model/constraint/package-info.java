/**
 * What an answer may be: grammars of JSON values, read from JSON Schema, and a matcher that follows
 * an answer byte by byte and says which tokens may come next. A {@link
 * org.kithlm.model.constraint.Grammar} is immutable and shared by all threads; a {@link
 * org.kithlm.model.constraint.TokenConstraint} belongs to the thread that generates.
 */
@NullMarked
package org.kithlm.model.constraint;

import org.jspecify.annotations.NullMarked;
