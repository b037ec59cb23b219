package org.kithlm.coordinator.generation;

/** A step that a rank did not finish; the cause says why. */
final class RankFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RankFailedException(RuntimeException cause) {
    super(cause);
  }
}
