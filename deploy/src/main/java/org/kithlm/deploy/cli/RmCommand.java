package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.ModelStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith rm MODEL}. */
@Command(name = "rm", description = "Delete a model, or what an unfinished pull has fetched.")
public final class RmCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "MODEL", description = "Its name, as kith list shows it.")
  private String model;

  /** The answer for programs. */
  private record Answer(String name, long freedBytes) {}

  @Override
  public Integer call() throws IOException {
    long freedBytes = new ModelStore(kith.home()).remove(model);
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        common.json()
            ? Json.MAPPER.writeValueAsString(new Answer(model, freedBytes))
            : model + " is removed: " + ByteSize.format(freedBytes) + " freed");
    return ExitCode.OK.code();
  }
}
