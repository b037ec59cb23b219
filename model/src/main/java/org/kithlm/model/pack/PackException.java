package org.kithlm.model.pack;

/** A pack that cannot be made, or is truncated, damaged or of another version. */
public final class PackException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A message that names the pack and the section. */
  public PackException(String message) {
    super(message);
  }

  /** A message that names the pack and the section, and what lies behind it. */
  public PackException(String message, Throwable cause) {
    super(message, cause);
  }
}
