package org.kithlm.node.rank;

/** A rank that needs more memory than its process may use; the message says how much. */
public final class DoesNotFitException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A message with the numbers and the smallest budget that works. */
  public DoesNotFitException(String message) {
    super(message);
  }
}
