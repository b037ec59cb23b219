package org.kithlm.model.chat.jinja;

/**
 * The value of a name, attribute or item that is not there. It prints as nothing, is false and
 * empty; everything else done with it fails with {@link #fault}.
 *
 * @param reason what is missing
 */
record Undefined(String reason) {
  /** The error of using this value for what it cannot do. */
  JinjaException fault() {
    return new JinjaException(reason);
  }
}
