package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.kithlm.coordinator.enrolment.JoinTokens;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.cluster.ClusterHome;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith token list}. */
@Command(name = "list", description = "Show the join tokens, without their secrets.")
final class TokenListCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private TokenCommand parent;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  /** The answer, for programs. */
  private record Report(List<JoinTokens.View> tokens) {}

  @Override
  public Integer call() throws IOException {
    List<JoinTokens.View> tokens = new ClusterHome(parent.kith().home()).tokens().list();
    PrintWriter out = spec.commandLine().getOut();
    if (common.json()) {
      out.println(Json.MAPPER.writeValueAsString(new Report(tokens)));
      return ExitCode.OK.code();
    }
    out.printf("%-10s%-9s%-22s%-10s%s%n", "ID", "STATE", "EXPIRES", "REUSABLE", "USES");
    for (JoinTokens.View token : tokens) {
      out.printf(
          "%-10s%-9s%-22s%-10s%d%n",
          token.id(),
          token.state().name().toLowerCase(Locale.ROOT),
          Instant.ofEpochSecond(token.expiresEpochSeconds()),
          token.reusable() ? "yes" : "no",
          token.uses());
    }
    return ExitCode.OK.code();
  }
}
