package org.kithlm.deploy.cli;

import picocli.CommandLine.Command;

/** {@code kith node}. */
@Command(
    name = "node",
    description = "Manage the devices of the cluster that this machine leads.",
    subcommands = {NodeListCommand.class, NodeRmCommand.class})
public final class NodeCommand extends CommandGroup {}
