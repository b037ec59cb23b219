package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.cluster.LogTail;
import org.kithlm.deploy.cluster.RunLogs;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith logs [NODE]}. */
@Command(
    name = "logs",
    description = "Show the end of what the nodes of the last kith local have logged.")
public final class LogsCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // found again by its name when the command fails
  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Parameters(paramLabel = "NODE", arity = "0..1", description = "One node, e.g. node-1.")
  private @Nullable String node;

  @Option(
      names = "--lines",
      paramLabel = "N",
      defaultValue = "50",
      description = "Lines of each node (default: 50).")
  private int lines;

  @Override
  public Integer call() throws IOException {
    Path folder = kith.home().subfolder("logs");
    List<Path> logs =
        RunLogs.newest(folder).stream()
            .filter(
                log -> node == null || (node + ".log").equals(String.valueOf(log.getFileName())))
            .toList();
    if (logs.isEmpty()) {
      throw new KithException(
          ExitCode.USAGE,
          "no logs %sin %s; kith up and kith join log to their own terminals"
              .formatted(node == null ? "" : "of " + node + " ", folder));
    }
    PrintWriter out = spec.commandLine().getOut();
    for (Path log : logs) {
      out.println("== " + log);
      LogTail.of(log, lines).forEach(out::println);
    }
    return ExitCode.OK.code();
  }
}
