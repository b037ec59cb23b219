package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.cluster.Lifetime;
import org.kithlm.deploy.cluster.Server;
import org.kithlm.deploy.cluster.ServerOptions;
import org.kithlm.node.control.JoinToken;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith up MODEL}: leads a cluster that other machines join. */
@Command(name = "up", description = "Serve a model from this machine and those that join it.")
public final class UpCommand implements Callable<Integer> {
  private static final long READY_SECONDS = 3600;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ServeOptions serve = new ServeOptions();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      required = true,
      description = "Address of this machine that the other nodes reach.")
  private String host;

  @Option(
      names = "--control-port",
      paramLabel = "PORT",
      defaultValue = "11501",
      description = "TCP port that nodes join at (default: 11501).")
  private int controlPort;

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      defaultValue = "${env:KITH_TOKEN}",
      description = "Join token (default: $KITH_TOKEN, or a new one).")
  private @Nullable String token;

  @Option(
      names = {"-n", "--nodes"},
      paramLabel = "N",
      defaultValue = "1",
      description = "Wait for this many nodes, this one included, before serving (default: 1).")
  private int nodes;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (nodes < 1) {
      throw new KithException(ExitCode.USAGE, "-n " + nodes + " must be at least 1");
    }
    ServedModel served = ServedModel.of(serve.model(), kith, spec, common.json());
    JoinToken secret = token();
    ServerOptions options =
        serve.server(served, host, controlPort, secret, nodes, 1, serve.endpoint());
    Server.requireFit(options, 1);
    try (ServerSession session = ServerSession.start(options, kith.home())) {
      Lifetime.closeAtExit(session);
      PrintWriter err = spec.commandLine().getErr();
      err.println("on each other machine run:");
      err.printf(
          "  kith join %s:%d --token %s%n", host, session.server().controlPort(), secret.secret());
      session.watch().awaitReady(READY_SECONDS, session.watch()::rootError);
      session.printReady(spec.commandLine().getOut(), common.json());
      return Lifetime.awaitSignal();
    }
  }

  private JoinToken token() {
    try {
      return token == null ? JoinToken.create() : JoinToken.of(token);
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
  }
}
