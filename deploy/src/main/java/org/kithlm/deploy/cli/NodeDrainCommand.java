package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.kithlm.coordinator.enrolment.NodeRegister;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.cluster.ClusterHome;
import org.kithlm.deploy.cluster.StateFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * {@code kith node drain}. It leaves word in the register, which the server reads, and follows the
 * server's state.
 */
@Command(
    name = "drain",
    description = {
      "Have the cluster do without a device, say before it is switched off: the answer under way",
      "ends first. The device stays out until kith node undrain."
    })
final class NodeDrainCommand implements Callable<Integer> {
  private static final long CHECK_MS = 200;

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

  @Option(
      names = "--wait",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      defaultValue = "10m",
      description = "How long to wait until the device is idle (default: 10m).")
  @SuppressWarnings("NullAway.Init") // set by picocli
  private Duration patience;

  @Override
  public Integer call() throws IOException, InterruptedException {
    NodeRegister register = new ClusterHome(parent.kith().home()).nodes();
    List<NodeRegister.Entry> drained =
        register.list().stream()
            .filter(node -> !node.removed())
            .filter(node -> node.name().equals(name) || node.id().equals(name))
            .toList();
    if (drained.isEmpty()) {
      throw NodeCommand.unknown(name);
    }
    PrintWriter err = spec.commandLine().getErr();
    StateFile file = new StateFile(parent.kith().home());
    List<NodeView> working = working(file.read(), drained);
    requireFit(working);
    err.println(
        working.isEmpty()
            ? name + " does not work now and will not until kith node undrain"
            : "the others have room for the model; waiting for the answer under way");
    register.drain(name, true);
    awaitIdle(file, drained);
    if (!working.isEmpty()) {
      err.println(name + " is drained: it can be switched off");
    }
    return ExitCode.OK.code();
  }

  private void requireFit(List<NodeView> working) {
    for (NodeView node : working) {
      if (node.indispensable() != null) {
        throw new KithException(
            ExitCode.DOES_NOT_FIT,
            "without " + name + " the model does not fit: " + node.indispensable());
      }
    }
  }

  private void awaitIdle(StateFile file, List<NodeRegister.Entry> drained)
      throws IOException, InterruptedException {
    long startNs = System.nanoTime();
    while (!working(file.read(), drained).isEmpty()) {
      if (System.nanoTime() - startNs > patience.toNanos()) {
        throw new KithException(
            ExitCode.OTHER,
            name
                + " is still at work after "
                + patience.toSeconds()
                + " s; it leaves when the answer under way has ended, see kith ps");
      }
      TimeUnit.MILLISECONDS.sleep(CHECK_MS);
    }
  }

  /** Those of the devices that have a rank; a running server's state names them by their names. */
  private static List<NodeView> working(
      Optional<StateFile.State> state, List<NodeRegister.Entry> devices) {
    return state.stream()
        .flatMap(running -> running.nodes().stream())
        .filter(node -> node.rank() > 0)
        .filter(
            node ->
                devices.stream()
                    .anyMatch(
                        device ->
                            device.name().equals(node.name())
                                && device.host().equals(node.address())))
        .toList();
  }
}
