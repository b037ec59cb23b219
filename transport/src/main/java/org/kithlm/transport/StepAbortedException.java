package org.kithlm.transport;

/** The root ended the current step; the session lives on and the next step may come. */
public final class StepAbortedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long step;

  /** Aborted {@code step}. */
  public StepAbortedException(long step) {
    super("step " + step + " was aborted");
    this.step = step;
  }

  /** Which step. */
  public long step() {
    return step;
  }
}
