package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kithlm.deploy.ExitCode;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class FailureReportTest {
  private final StringWriter err = new StringWriter();

  private int run(Callable<Integer> command) {
    FailureReport failures = new FailureReport();
    return new CommandLine(command)
        .setErr(new PrintWriter(err, true))
        .setExecutionStrategy(FailureReport::execute)
        .setExecutionExceptionHandler(failures)
        .execute();
  }

  @Test
  void shouldReportAnErrorOfTheJvmInALine() {
    assertEquals(
        ExitCode.OTHER.code(), run(new Failing(new IllegalAccessError("no access\nhere"))));
    assertEquals("kith: java.lang.IllegalAccessError: no access; here\n", err.toString());
  }

  @Test
  void shouldPassOnWhatTheCommandReturns() {
    assertEquals(7, run(new Failing(null)));
    assertEquals("", err.toString());
  }

  /** Fails with an error, or returns 7. */
  @Command(name = "fail")
  private record Failing(@Nullable Error error) implements Callable<Integer> {
    @Override
    public Integer call() {
      if (error != null) {
        throw error;
      }
      return 7;
    }
  }
}
