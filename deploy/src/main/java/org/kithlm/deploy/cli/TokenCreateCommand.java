package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.kithlm.coordinator.enrolment.JoinTokens;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.cluster.ClusterHome;
import org.kithlm.node.security.JoinToken;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith token create}. */
@Command(name = "create", description = "Make a join token; it is shown only once.")
final class TokenCreateCommand implements Callable<Integer> {
  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private TokenCommand parent;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Option(
      names = "--ttl",
      paramLabel = "TIME",
      defaultValue = "1h",
      converter = DurationConverter.class,
      description = "How long it admits devices, such as 30m, 12h or 7d (default: 1h).")
  private Duration ttl;

  @Option(names = "--reusable", description = "Admit any number of devices instead of one.")
  private boolean reusable;

  /** The answer, for programs. */
  private record Report(String id, String token, long expiresEpochSeconds, boolean reusable) {}

  @Override
  public Integer call() throws IOException {
    long expires = Instant.now().plus(ttl).getEpochSecond();
    JoinToken token = new ClusterHome(parent.kith().home()).createToken(ttl, reusable);
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        common.json()
            ? Json.MAPPER.writeValueAsString(
                new Report(JoinTokens.id(token.secret()), token.text(), expires, reusable))
            : "kith join " + token.text());
    return ExitCode.OK.code();
  }
}
