package org.kithlm.deploy;

import org.jspecify.annotations.Nullable;

/** A failure to tell the user in one line, and the exit code that goes with it. */
public final class KithException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ExitCode exitCode;

  /** A line that names the thing, its value and what to do. */
  public KithException(ExitCode exitCode, String message) {
    this(exitCode, message, null);
  }

  /** The same with the cause, which {@code --debug} shows. */
  public KithException(ExitCode exitCode, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** What the process ends with. */
  public ExitCode exitCode() {
    return exitCode;
  }
}
