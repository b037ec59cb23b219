package org.kithlm.deploy.cli;

import org.kithlm.deploy.Kith;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** {@code kith bench}: a name for what measures. */
@Command(
    name = "bench",
    description = "Measure what this machine and its network can do.",
    subcommands = {BenchModelCommand.class, BenchKernelsCommand.class, BenchTransportCommand.class})
public final class BenchCommand {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  /** What commands share. */
  Kith kith() {
    return kith;
  }
}
