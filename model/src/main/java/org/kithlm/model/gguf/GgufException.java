package org.kithlm.model.gguf;

/**
 * A GGUF file that is truncated, damaged, hostile or not supported; the message names the place.
 */
public final class GgufException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A message that names the offset, key or tensor, and its value. */
  public GgufException(String message) {
    super(message);
  }
}
