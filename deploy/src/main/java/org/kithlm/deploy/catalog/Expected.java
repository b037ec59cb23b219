package org.kithlm.deploy.catalog;

import org.jspecify.annotations.Nullable;

/**
 * What is known of a file before it is fetched.
 *
 * @param sha256 lower-case hexadecimal, or null if any file will do
 * @param lengthBytes its length, or -1
 */
record Expected(@Nullable String sha256, long lengthBytes) {
  static final Expected ANYTHING = new Expected(null, -1);
}
