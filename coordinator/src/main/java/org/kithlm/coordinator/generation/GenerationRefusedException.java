package org.kithlm.coordinator.generation;

/** A request that was not taken on. */
public final class GenerationRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why it was refused. */
  public enum Reason {
    /** The request itself is wrong. */
    INVALID,
    /** Prompt and answer are longer than the context. */
    CONTEXT_LENGTH_EXCEEDED,
    /** There is no memory for the keys and values of so many texts. */
    TOO_MANY_CHOICES,
    /** The queue is full; try later. */
    QUEUE_FULL,
    /** Ranks are missing; try later. */
    NOT_READY
  }

  private final Reason reason;

  /** A reason and a message with the values and the fix. */
  public GenerationRefusedException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Why it was refused. */
  public Reason reason() {
    return reason;
  }
}
