package org.kithlm.deploy.cli;

import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import picocli.CommandLine.Command;

/** {@code kith node}. */
@Command(
    name = "node",
    description = "Manage the devices of the cluster that this machine leads.",
    subcommands = {
      NodeListCommand.class,
      NodeDrainCommand.class,
      NodeUndrainCommand.class,
      NodeRmCommand.class
    })
public final class NodeCommand extends CommandGroup {
  static KithException unknown(String name) {
    return new KithException(
        ExitCode.USAGE, "no device '" + name + "' has joined; see kith node list");
  }
}
