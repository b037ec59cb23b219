package org.kithlm.deploy.cli;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.typed.ActorSystem;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.ModelStore;
import org.kithlm.deploy.catalog.StoredModel;
import org.kithlm.deploy.cluster.Lifetime;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.node.control.ClusterSettings;
import org.kithlm.node.control.JoinToken;
import org.kithlm.node.control.NodeActor;
import org.kithlm.node.control.NodeEnd;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.NodeSettings;
import org.kithlm.node.shard.ShardFetcher;
import org.kithlm.node.shard.ShardRankLoader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith join ADDRESS}. */
@Command(name = "join", description = "Join a cluster as a node and work until it ends.")
public final class JoinCommand implements Callable<Integer> {
  private static final String TOKEN_VARIABLE = "KITH_TOKEN";
  private static final long LEAVE_SECONDS = 2;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @ParentCommand
  private Kith kith;

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Spec
  private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // found again by its name when the command fails
  @Mixin(name = CommonOptions.MIXIN)
  private final CommonOptions common = new CommonOptions();

  @Mixin private final ThreadsOption threads = new ThreadsOption();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(paramLabel = "HOST:PORT", description = "The coordinator, as kith up printed it.")
  private String address;

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      description = "The join token that kith up printed (default: $" + TOKEN_VARIABLE + ").")
  private @Nullable String token;

  @Option(names = "--name", paramLabel = "NAME", description = "What to call this device.")
  private @Nullable String name;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address that the other nodes reach this one at (default: found by a route).")
  private @Nullable String host;

  @Mixin private final MemoryOption memory = new MemoryOption();

  @Option(names = "--end-with-stdin", hidden = true)
  private boolean endWithStandardInput;

  @Override
  public Integer call() throws IOException, InterruptedException {
    InetSocketAddress coordinator = parse(address);
    String ownHost = host != null ? host : addressTowards(coordinator);
    NodeSettings settings =
        new NodeSettings(
            name != null ? name : java.net.InetAddress.getLocalHost().getHostName(),
            ownHost,
            coordinator.getHostString(),
            coordinator.getPort(),
            token(),
            Duration.ofSeconds(20));
    ShardRankLoader loader =
        new ShardRankLoader(
            this::localPack,
            new ShardFetcher(kith.home().subfolder("shards"), this::tellFetched),
            ownHost,
            threads.threads(1),
            memory.bytes(1));
    CompletableFuture<NodeEnd> end = new CompletableFuture<>();
    if (endWithStandardInput) {
      Lifetime.endWithStandardInput(
          () ->
              end.complete(
                  new NodeEnd(
                      NodeEnd.Kind.COORDINATOR_LOST,
                      "the process that started this node is gone")));
    }
    ActorSystem<NodeMessage> system =
        ActorSystem.create(
            NodeActor.create(settings, loader, end),
            ClusterSettings.SYSTEM,
            ClusterSettings.of(ownHost, 0, ClusterSettings.NODE_ROLE));
    Lifetime.closeAtExit(
        () -> {
          end.complete(new NodeEnd(NodeEnd.Kind.SHUT_DOWN, "stopped"));
          terminate(system);
        });
    spec.commandLine().getErr().println("joining " + address + " as " + settings.name());
    try {
      return finish(end.get());
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // nobody completes it so
    } finally {
      terminate(system);
    }
  }

  /** Waits a little, so that the coordinator hears of it. */
  private static void terminate(ActorSystem<NodeMessage> system) {
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(LEAVE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // Then the coordinator finds out by itself.
    }
  }

  private int finish(NodeEnd end) {
    if (end.kind() == NodeEnd.Kind.SHUT_DOWN) {
      spec.commandLine().getErr().println(end.message());
      return ExitCode.OK.code();
    }
    throw new KithException(
        end.kind() == NodeEnd.Kind.REFUSED ? ExitCode.NOT_AUTHORISED : ExitCode.UNREACHABLE,
        end.message());
  }

  private JoinToken token() {
    String secret = token != null ? token : kith.environment().get(TOKEN_VARIABLE);
    if (secret == null) {
      throw new KithException(
          ExitCode.NOT_AUTHORISED,
          "no join token; give the one that kith up printed with --token or " + TOKEN_VARIABLE);
    }
    try {
      return JoinToken.of(secret);
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.NOT_AUTHORISED, e.getMessage() + "; see kith up", e);
    }
  }

  private void tellFetched(long fetchedBytes, long keptBytes) {
    spec.commandLine()
        .getErr()
        .printf(
            "weights: %s fetched, %s were here%n",
            ByteSize.format(fetchedBytes), ByteSize.format(keptBytes));
  }

  private Optional<Path> localPack(String packId) {
    ModelStore store = new ModelStore(kith.home());
    try {
      for (StoredModel model : store.models()) {
        Path file = store.pack(model.name());
        try (Pack pack = Pack.open(file)) {
          if (pack.id().equals(packId)) {
            return Optional.of(file);
          }
        } catch (PackException e) {
          spec.commandLine().getErr().println("kith: " + e.getMessage());
        }
      }
    } catch (IOException e) {
      spec.commandLine().getErr().println("kith: cannot look for local packs: " + e.getMessage());
    }
    return Optional.empty();
  }

  private static InetSocketAddress parse(String address) {
    int colon = address.lastIndexOf(':');
    try {
      int port = Integer.parseInt(address.substring(colon + 1));
      if (colon > 0 && port > 0 && port < 65536) {
        return InetSocketAddress.createUnresolved(address.substring(0, colon), port);
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new KithException(
        ExitCode.USAGE, "'" + address + "' is not HOST:PORT, e.g. 192.168.1.10:11501");
  }

  /**
   * The local address of the route to the coordinator; connecting a datagram socket sends nothing.
   */
  private static String addressTowards(InetSocketAddress coordinator) throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.connect(new InetSocketAddress(coordinator.getHostString(), coordinator.getPort()));
      return socket.getLocalAddress().getHostAddress();
    } catch (java.net.SocketException | java.io.UncheckedIOException e) {
      throw new KithException(
          ExitCode.UNREACHABLE,
          "no route to " + coordinator.getHostString() + "; check the address",
          e);
    }
  }
}
