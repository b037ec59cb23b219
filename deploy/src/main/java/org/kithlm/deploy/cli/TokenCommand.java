package org.kithlm.deploy.cli;

import picocli.CommandLine.Command;

/** {@code kith token}. */
@Command(
    name = "token",
    description = "Manage what lets devices join the cluster that this machine leads.",
    subcommands = {TokenCreateCommand.class, TokenListCommand.class, TokenRevokeCommand.class})
public final class TokenCommand extends CommandGroup {}
