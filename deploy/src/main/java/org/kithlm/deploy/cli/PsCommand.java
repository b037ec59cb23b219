package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.kithlm.coordinator.membership.ClusterView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.cluster.StateFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith ps}. */
@Command(name = "ps", description = "Show the cluster that this machine leads.")
public final class PsCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Override
  public Integer call() throws IOException {
    StateFile.State state =
        new StateFile(kith.home())
            .read()
            .orElseThrow(
                () ->
                    new KithException(
                        ExitCode.UNREACHABLE,
                        "no cluster is led from here; start one with kith up MODEL"));
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(state));
      return ExitCode.OK.code();
    }
    out.println(state.model() + " at " + state.endpoint() + ", " + state.phase());
    out.printf("%-5s%-16s%-9s%-22s%-12s%s%n", "RANK", "NAME", "PID", "ADDRESS", "STATE", "WEIGHTS");
    for (ClusterView.NodeView node : state.nodes()) {
      out.printf(
          "%-5s%-16s%-9d%-22s%-12s%s%n",
          node.rank() < 0 ? "-" : Integer.toString(node.rank()),
          node.name(),
          node.pid(),
          node.address(),
          node.state(),
          ByteSize.format(node.residentBytes()));
      if (node.lastError() != null) {
        out.println("     " + node.lastError());
      }
    }
    return ExitCode.OK.code();
  }
}
