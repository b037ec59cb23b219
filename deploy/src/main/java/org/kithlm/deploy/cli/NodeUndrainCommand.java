package org.kithlm.deploy.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.cluster.ClusterHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith node undrain}. */
@Command(
    name = "undrain",
    description = "Let a drained device work again, from the end of the answer under way on.")
final class NodeUndrainCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private NodeCommand parent;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // found again by its name when the command fails
  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "NAME", description = "Its name or its id, as kith node list shows it.")
  private String name;

  @Override
  public Integer call() throws IOException {
    if (new ClusterHome(parent.kith().home()).nodes().drain(name, false) == 0) {
      throw NodeCommand.unknown(name);
    }
    spec.commandLine().getErr().println(name + " works again");
    return ExitCode.OK.code();
  }
}
