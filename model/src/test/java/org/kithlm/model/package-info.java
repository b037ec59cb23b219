/** What the tests of the model share. */
@NullMarked
package org.kithlm.model;

import org.jspecify.annotations.NullMarked;
