package org.kithlm.model.kernel;

import java.util.Optional;

/**
 * Threads for the kernels of a process, at most as many as it has processors: one more would only
 * make the others wait at every barrier.
 *
 * @param threads to use
 * @param warning for the user, where they are fewer than asked for
 */
public record ThreadBudget(int threads, Optional<String> warning) {

  /**
   * Bounds a wish by the processors that this process may use. The JVM counts them by the machine,
   * the affinity mask and the CPU quota of the control group (version 1 or 2), rounded up.
   *
   * @param wanted at least 1
   * @throws IllegalArgumentException if fewer
   */
  public static ThreadBudget of(int wanted) {
    return of(wanted, Runtime.getRuntime().availableProcessors());
  }

  static ThreadBudget of(int wanted, int processors) {
    if (wanted < 1) {
      throw new IllegalArgumentException("--threads " + wanted + " must be at least 1");
    }
    if (wanted <= processors) {
      return new ThreadBudget(wanted, Optional.empty());
    }
    String warning =
        "--threads %d is more than the processors of this process (%d, by its machine, affinity and CPU quota); using %d"
            .formatted(wanted, processors, processors);
    return new ThreadBudget(processors, Optional.of(warning));
  }
}
