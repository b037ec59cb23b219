package org.kithlm.node.control;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** Turns failures into a line for the user. */
public final class Causes {
  private Causes() {}

  /**
   * The message of the innermost wrapped failure, or its class where it has none. An error of the
   * JVM is named, as its message alone says little ("Java heap space").
   */
  public static String message(@Nullable Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause == null) {
      return "unknown failure";
    }
    if (cause instanceof OutOfMemoryError) {
      return "out of memory ("
          + cause.getMessage()
          + "); shorten the context or let more nodes share the model";
    }
    if (cause instanceof Error) {
      return cause.toString();
    }
    String message = cause.getMessage();
    return message != null ? message : cause.getClass().getSimpleName();
  }
}
