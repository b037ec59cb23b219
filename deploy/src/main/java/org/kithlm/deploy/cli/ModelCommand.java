package org.kithlm.deploy.cli;

import picocli.CommandLine.Command;

/** {@code kith model}. */
@Command(
    name = "model",
    description = "Make models that no one has published.",
    subcommands = {ModelSynthCommand.class})
public final class ModelCommand extends CommandGroup {}
