package org.kithlm.deploy.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.enrolment.ClusterBooks;
import org.kithlm.coordinator.http.EndpointSettings;
import org.kithlm.coordinator.membership.Replication;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.cluster.ServerOptions;
import org.kithlm.node.calibration.DeviceCalibration;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What a cluster serves, and where; for the commands that lead one. */
final class ServeOptions {
  @Mixin private final MemoryOption memory = new MemoryOption();

  @Mixin private final EndpointOptions endpoint = new EndpointOptions();

  @Mixin private final CollectiveOption collective = new CollectiveOption();
  @Mixin private final SumsOption sums = new SumsOption();
  @Mixin private final AttentionOption attention = new AttentionOption();
  @Mixin private final HeadOption head = new HeadOption();

  @Mixin private final KvTypeOption kvType = new KvTypeOption();

  @Mixin private final KvStoreOption kvStore = new KvStoreOption();

  @Mixin private final ThreadsOption threads = new ThreadsOption();

  @Mixin private final KernelsOption kernels = new KernelsOption();

  @SuppressWarnings("NullAway.Init") // set by picocli
  @Parameters(
      paramLabel = "MODEL",
      description = "What kith pull takes, or a name of kith list; pulled first if it is not here.")
  private String model;

  @Option(
      names = "--context",
      paramLabel = "TOKENS",
      defaultValue = "0",
      description =
          "Longest prompt plus answer (default: the model's own, or what memory has room for).")
  private int contextLength;

  String model() {
    return model;
  }

  KernelsOption kernels() {
    return kernels;
  }

  KvStoreOption kvStore() {
    return kvStore;
  }

  EndpointSettings endpoint() {
    return endpoint.settings();
  }

  /**
   * Settings of the server.
   *
   * @param nodes processes of the cluster, the server's own included
   * @param nodesHere how many of them share this machine's processors and memory
   * @param calibration where to keep what is measured of this device, null for equal shares
   * @param home where keys and values are kept, if they are
   * @param settings where chat clients are served, null for nowhere
   */
  ServerOptions server(
      ServedModel served,
      String host,
      int controlPort,
      int joinPort,
      ClusterBooks books,
      int nodes,
      int nodesHere,
      @Nullable Path calibration,
      KithHome home,
      @Nullable EndpointSettings settings) {
    int ownThreads = threads.threads(nodesHere);
    return new ServerOptions(
        served.stored().name(),
        served.stored().createdEpochSeconds(),
        served.pack(),
        host,
        controlPort,
        joinPort,
        books,
        nodes - 1,
        contextLength,
        kvType.type(),
        collective.choice(nodesHere > 1),
        sums.precision(),
        attention.wanted(),
        head.placement(),
        calibration == null ? null : new DeviceCalibration(calibration, ownThreads),
        ownThreads,
        threads.threads(1),
        Replication.NONE,
        false,
        memory.bytes(nodesHere),
        kvStore.place(home, "root"),
        settings);
  }
}
