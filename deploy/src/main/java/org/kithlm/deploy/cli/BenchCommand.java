package org.kithlm.deploy.cli;

import picocli.CommandLine.Command;

/** {@code kith bench}: a name for what measures. */
@Command(
    name = "bench",
    description = "Measure what this machine and its network can do.",
    subcommands = {
      BenchModelCommand.class,
      BenchSplitCommand.class,
      BenchKernelsCommand.class,
      BenchTransportCommand.class,
      BenchMemoryCommand.class
    })
public final class BenchCommand extends CommandGroup {}
