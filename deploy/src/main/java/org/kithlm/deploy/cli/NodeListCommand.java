package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.kithlm.coordinator.enrolment.NodeRegister;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.cluster.ClusterHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith node list}. */
@Command(name = "list", description = "Show the devices that have joined, here or away.")
final class NodeListCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private NodeCommand parent;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  /** The answer, for programs. */
  private record Report(List<NodeRegister.Entry> nodes) {}

  @Override
  public Integer call() throws IOException {
    List<NodeRegister.Entry> nodes = new ClusterHome(parent.kith().home()).nodes().list();
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(new Report(nodes)));
      return ExitCode.OK.code();
    }
    out.printf("%-34s%-20s%-22s%s%n", "ID", "NAME", "ADDRESS", "STATE");
    for (NodeRegister.Entry node : nodes) {
      out.printf("%-34s%-20s%-22s%s%n", node.id(), node.name(), node.host(), state(node));
    }
    return ExitCode.OK.code();
  }

  private static String state(NodeRegister.Entry node) {
    return node.removed() ? "removed" : node.drained() ? "drained" : "member";
  }
}
