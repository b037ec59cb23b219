package org.kithlm.deploy.cli;

import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.model.kernel.ThreadBudget;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code --threads}, for the commands that compute. */
final class ThreadsOption {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "0",
      description = "Threads of each process for the arithmetic (default: all processors).")
  private int wanted;

  /**
   * How many threads each process starts; a wish beyond its processors is cut with a warning.
   *
   * @param processes that share this machine; without a wish each gets its part of the processors
   */
  int threads(int processes) {
    if (wanted < 0) {
      throw new KithException(ExitCode.USAGE, "--threads " + wanted + " must be at least 1");
    }
    if (wanted == 0) {
      return Math.max(1, Runtime.getRuntime().availableProcessors() / processes);
    }
    ThreadBudget budget = ThreadBudget.of(wanted);
    budget.warning().ifPresent(warning -> spec.commandLine().getErr().println("kith: " + warning));
    return budget.threads();
  }
}
