package org.kithlm.deploy.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.cluster.ClusterHome;
import org.kithlm.deploy.cluster.HostChoice;
import org.kithlm.deploy.cluster.Lifetime;
import org.kithlm.deploy.cluster.Server;
import org.kithlm.deploy.cluster.ServerOptions;
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
  private static final Duration TOKEN_TTL = Duration.ofHours(1);

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ServeOptions serve = new ServeOptions();

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address of this machine that nodes reach (default: of the default route).")
  private @Nullable String host;

  @Option(
      names = "--control-port",
      paramLabel = "PORT",
      defaultValue = "11501",
      description = "TCP port of the control plane (default: 11501).")
  private int controlPort;

  @Option(
      names = "--join-port",
      paramLabel = "PORT",
      defaultValue = "11502",
      description = "TCP port that nodes get certificates and weights at (default: 11502).")
  private int joinPort;

  @Option(
      names = {"-n", "--nodes"},
      paramLabel = "N",
      defaultValue = "1",
      description = "Wait for this many nodes, this one included, before serving (default: 1).")
  private int nodes;

  @Option(
      names = "--even-shares",
      description = {
        "Give each device the same part of the model (default: by its measured speed and its"
            + " memory;",
        "a slow one may get nothing)."
      })
  private boolean evenShares;

  @Mixin private final ReplicateOption replicate = new ReplicateOption();

  @Mixin private final RebalanceOption rebalance = new RebalanceOption();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (nodes < 1) {
      throw new KithException(ExitCode.USAGE, "-n " + nodes + " must be at least 1");
    }
    serve.kernels().choose(kith.home());
    ServedModel served = ServedModel.of(serve.model(), kith, spec, common.json());
    HostChoice choice = HostChoice.of(host);
    ClusterHome home = new ClusterHome(kith.home());
    Server.FittedContext context =
        Server.fit(
            serve
                .server(
                    served,
                    choice.host(),
                    controlPort,
                    joinPort,
                    home.books(),
                    nodes,
                    1,
                    evenShares ? null : kith.home().subfolder("node"),
                    kith.home(),
                    serve.endpoint())
                .withPlanChanges(replicate.wanted(), rebalance.isEager()),
            1);
    spec.commandLine().getErr().println(context.describe());
    ServerOptions options = context.options();
    try (ServerSession session = ServerSession.start(options, kith.home())) {
      Lifetime.closeAtExit(session);
      PrintWriter err = spec.commandLine().getErr();
      home.keepAddress(choice.host(), session.server().joinPort());
      err.printf("nodes reach this machine at %s (%s)%n", choice.host(), choice.reason());
      err.println("on each other machine run, once and within an hour:");
      err.println("  kith join " + session.server().createToken(TOKEN_TTL, true).text());
      session.watch().awaitReady(READY_SECONDS, session.watch()::rootError);
      session.printReady(spec.commandLine().getOut(), common.json());
      return Lifetime.awaitSignal();
    }
  }
}
