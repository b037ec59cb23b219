package org.kithlm.deploy.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.deploy.catalog.ModelStore;
import org.kithlm.deploy.catalog.StoredModel;
import org.kithlm.deploy.cluster.Admission;
import org.kithlm.deploy.cluster.JoinedNode;
import org.kithlm.deploy.cluster.Lifetime;
import org.kithlm.deploy.discovery.MdnsDiscovery;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.node.calibration.DeviceCalibration;
import org.kithlm.node.control.NodeEnd;
import org.kithlm.node.control.NodeSettings;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.kv.KvStore;
import org.kithlm.node.kv.KvStorePlace;
import org.kithlm.node.security.ClusterTls;
import org.kithlm.node.security.EnrolmentClient;
import org.kithlm.node.security.IdentityFile;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.RevokedNodes;
import org.kithlm.node.shard.ShardFetcher;
import org.kithlm.node.shard.ShardKeeper;
import org.kithlm.node.shard.ShardRankLoader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kith join [TOKEN]}. */
@Command(name = "join", description = "Join a cluster as a node and work until it ends.")
public final class JoinCommand implements Callable<Integer> {
  private static final String TOKEN_VARIABLE = "KITH_TOKEN";
  private static final Duration JOIN_TIMEOUT = Duration.ofSeconds(20);

  /** Many processes that start at once on few cores take their time; they end with their parent. */
  private static final Duration LOCAL_JOIN_TIMEOUT = Duration.ofMinutes(4);

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

  @Mixin private final KernelsOption kernels = new KernelsOption();

  @Parameters(
      paramLabel = "TOKEN",
      arity = "0..1",
      description = {
        "What kith up printed (default: $" + TOKEN_VARIABLE + ").",
        "Needed once: a device that has joined before comes back without it."
      })
  private @Nullable String token;

  @Option(names = "--name", paramLabel = "NAME", description = "What to call this device.")
  private @Nullable String name;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "Address that the other nodes reach this one at (default: found by a route).")
  private @Nullable String host;

  @Mixin private final MemoryOption memory = new MemoryOption();

  @Mixin private final KvStoreOption kvStore = new KvStoreOption();

  @Option(names = "--end-with-stdin", hidden = true)
  private boolean endWithStandardInput;

  private volatile @Nullable KvStore store;
  private long memoryBytes; // for the rank
  private volatile @Nullable JoinedNode node;
  private volatile @Nullable NodeEnd stopped; // by the user or the parent

  @Override
  public Integer call() throws IOException, InterruptedException {
    String ownName = name != null ? name : InetAddress.getLocalHost().getHostName();
    // A node of kith local is as short-lived as its cluster.
    IdentityFile file =
        endWithStandardInput
            ? null
            : new IdentityFile(kith.home().subfolder("node").resolve("identity.json"));
    if (endWithStandardInput) {
      Lifetime.endWithStandardInput(
          () ->
              stop(
                  new NodeEnd(
                      NodeEnd.Kind.COORDINATOR_LOST,
                      "the process that started this node is gone")));
    }
    Lifetime.closeAtExit(() -> stop(new NodeEnd(NodeEnd.Kind.SHUT_DOWN, "stopped")));
    kernels.choose(kith.home());
    KvStorePlace place = kvStore.place(kith.home(), endWithStandardInput ? ownName : "node");
    store = place == null ? null : new KvStore(place);
    memoryBytes = KvStorePlace.memoryBeside(place, memory.bytes(1));
    Admission admission =
        new Admission(
            file,
            ownName,
            host,
            joinTimeout(),
            new MdnsDiscovery(host),
            spec.commandLine().getErr()::println);
    NodeEnd end = serve(admission.admit(token()), ownName);
    while (!endWithStandardInput && isOfTheLink(end)) {
      spec.commandLine().getErr().println(end.message() + "; looking for it again");
      Optional<Admission.Admitted> again = admitAgain(admission);
      if (again.isPresent()) {
        end = serve(again.get(), ownName);
      }
    }
    return finish(end);
  }

  /** Whether the node was not told to end: the coordinator may come back. */
  private static boolean isOfTheLink(NodeEnd end) {
    return end.kind() == NodeEnd.Kind.COORDINATOR_LOST || end.kind() == NodeEnd.Kind.UNREACHABLE;
  }

  /** Asks for a while; empty if nobody answered. By the certificate, as the token is used up. */
  private static Optional<Admission.Admitted> admitAgain(Admission admission)
      throws IOException, InterruptedException {
    try {
      return Optional.of(admission.admit(null));
    } catch (KithException e) {
      if (e.exitCode() == ExitCode.UNREACHABLE) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private NodeEnd serve(Admission.Admitted admitted, String ownName) throws InterruptedException {
    EnrolmentClient.Enrolled enrolled = admitted.enrolled();
    RevokedNodes revoked = new RevokedNodes();
    ClusterTls tls =
        ClusterTls.ofNode(
            enrolled.identity(), revoked, enrolled.controlHost(), enrolled.controlPort());
    NodeSettings settings =
        new NodeSettings(
            ownName,
            admitted.host(),
            ProcessMemory.here(memoryBytes),
            enrolled.controlHost(),
            enrolled.controlPort(),
            revoked,
            joinTimeout());
    Path shards = kith.home().subfolder("shards");
    ShardRankLoader loader =
        new ShardRankLoader(
            this::localPack,
            new ShardFetcher(shards, tls.toCoordinator(), this::tellFetched),
            settings.host(),
            threads.threads(1),
            memoryBytes,
            store);
    DeviceCalibration calibration =
        new DeviceCalibration(kith.home().subfolder("node"), threads.threads(1));
    ShardKeeper keeper = new ShardKeeper(this::localPack, shards, tls.toCoordinator());
    try (JoinedNode joined = JoinedNode.start(settings, tls, loader, calibration, keeper)) {
      node = joined;
      NodeEnd early = stopped;
      if (early != null) {
        joined.end(early);
      }
      spec.commandLine()
          .getErr()
          .println(
              "joining %s as %s; the others reach it at %s (%s)"
                  .formatted(
                      enrolled.controlHost(),
                      settings.name(),
                      settings.host(),
                      host == null ? "its address on the way there" : "as --host says"));
      return joined.awaitEnd();
    }
  }

  private Duration joinTimeout() {
    return endWithStandardInput ? LOCAL_JOIN_TIMEOUT : JOIN_TIMEOUT;
  }

  private void stop(NodeEnd reason) {
    stopped = reason;
    JoinedNode running = node;
    if (running != null) {
      running.end(reason);
      running.close();
    }
    KvStore open = store;
    if (open != null) {
      open.close();
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

  private @Nullable JoinToken token() {
    String secret = token != null ? token : kith.environment().get(TOKEN_VARIABLE);
    try {
      return secret == null ? null : JoinToken.parse(secret);
    } catch (IllegalArgumentException e) {
      throw new KithException(ExitCode.NOT_AUTHORISED, String.valueOf(e.getMessage()), e);
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
}
