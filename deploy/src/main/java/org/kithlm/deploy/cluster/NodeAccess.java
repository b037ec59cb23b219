package org.kithlm.deploy.cluster;

import com.typesafe.config.Config;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.kithlm.coordinator.enrolment.ExclusionWatch;
import org.kithlm.coordinator.enrolment.NodeEndpoint;
import org.kithlm.coordinator.membership.NodesExcluded;
import org.kithlm.coordinator.membership.ProcessGone;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.discovery.MdnsAnnouncement;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackRun;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.node.control.ClusterSettings;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.ProcessCheck;
import org.kithlm.node.security.ClusterTls;
import org.kithlm.node.security.EnrolmentRequest;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.RevokedNodes;

/**
 * How nodes reach a server: the control plane, the endpoint for certificates and weights, and who
 * is let in at both. Thread-safe.
 */
final class NodeAccess {
  private final ServerOptions options;
  private final RevokedNodes revoked;
  private final ClusterTls tls;
  private final ActorSystem<Void> system;
  private final NodeEndpoint.Running endpoint;
  private final Optional<MdnsAnnouncement> announcement;

  private NodeAccess(
      ServerOptions options,
      RevokedNodes revoked,
      ClusterTls tls,
      ActorSystem<Void> system,
      NodeEndpoint.Running endpoint,
      Optional<MdnsAnnouncement> announcement) {
    this.options = options;
    this.revoked = revoked;
    this.tls = tls;
    this.system = system;
    this.endpoint = endpoint;
    this.announcement = announcement;
  }

  /**
   * Starts the actor system and the endpoint, and announces it on the local network.
   *
   * @throws KithException if a port is taken
   */
  static NodeAccess open(ServerOptions options) throws IOException {
    RevokedNodes revoked = new RevokedNodes();
    revoked.replace(options.books().nodes().excluded().removed());
    ClusterTls tls =
        ClusterTls.ofCoordinator(options.books().authority().coordinator(options.host()), revoked);
    ActorSystem<Void> system = startSystem(options, tls);
    try {
      NodeEndpoint.Running endpoint =
          Server.await(
              NodeEndpoint.start(
                  system,
                  tls,
                  options.books(),
                  options.host(),
                  options.joinPort(),
                  options.pack()));
      Optional<MdnsAnnouncement> announcement =
          MdnsAnnouncement.start(
              options.host(), endpoint.port(), options.books().authority().fingerprint());
      return new NodeAccess(options, revoked, tls, system, endpoint, announcement);
    } catch (KithException e) {
      system.terminate();
      throw cannotListen(options.host(), options.joinPort(), "--join-port", e);
    }
  }

  private static ActorSystem<Void> startSystem(ServerOptions options, ClusterTls tls) {
    Config config =
        ClusterSettings.of(options.host(), options.controlPort(), ClusterSettings.COORDINATOR_ROLE);
    try {
      return ActorSystem.create(
          Behaviors.<Void>empty(), ClusterSettings.SYSTEM, ClusterSettings.setup(config, tls));
    } catch (RuntimeException e) {
      throw cannotListen(options.host(), options.controlPort(), "--control-port", e);
    }
  }

  private static KithException cannotListen(
      String host, int port, String option, RuntimeException cause) {
    return new KithException(
        ExitCode.OTHER,
        "cannot listen on %s:%d for nodes; stop what listens there or choose another %s (0 for a free one)"
            .formatted(host, port, option),
        cause);
  }

  /** The actor system of this process. */
  ActorSystem<Void> system() {
    return system;
  }

  /** The node id in the certificate of the process at an address, once it was connected to. */
  Optional<String> identityAt(Address address) {
    return tls.nodeAt(address.getHost().orElse(""), address.getPort().orElse(0));
  }

  /** Refuses nodes from the moment they are removed; tells of them and of those drained. */
  void watchExclusions(Consumer<NodesExcluded> listener) {
    ExclusionWatch.start(
        system,
        options.books().nodes(),
        excluded -> {
          revoked.replace(excluded.removed());
          listener.accept(new NodesExcluded(excluded.removed(), excluded.drained()));
        });
  }

  /** Tells of nodes whose process is gone. */
  void watchProcesses(Consumer<ProcessGone> listener) {
    ProcessCheck check =
        new ProcessCheck(
            gone ->
                listener.accept(
                    new ProcessGone(
                        Address.apply(
                            "pekko",
                            ClusterSettings.SYSTEM,
                            gone.getHostString(),
                            gone.getPort()))));
    tls.onClosed(check::start);
  }

  /** TCP port of the endpoint. */
  int joinPort() {
    return endpoint.port();
  }

  JoinToken createToken(Duration ttl, boolean reusable) throws IOException {
    return ClusterHome.token(
        options.books().authority(),
        options.books().tokens(),
        options.host(),
        endpoint.port(),
        ttl,
        reusable);
  }

  /** Where nodes fetch a pack from. */
  NodeMessage.WeightOrigin origin(Pack pack) {
    // What a rank without any units needs is what every rank needs.
    RankShard nothing = new RankShard(1, 2, 0, 0, 0, 0, 0, 0, 0, 0, AttentionPlacement.SPLIT);
    List<NodeMessage.ByteRun> prelude =
        pack.runs(nothing).stream().map(NodeAccess::byteRun).toList();
    String host = options.host();
    String url =
        "https://%s:%d/%s"
            .formatted(
                host.indexOf(':') >= 0 ? "[" + host + "]" : host,
                endpoint.port(),
                EnrolmentRequest.PACK_PATH);
    return new NodeMessage.WeightOrigin(url, options.pack().toFile().length(), prelude);
  }

  private static NodeMessage.ByteRun byteRun(PackRun run) {
    return new NodeMessage.ByteRun(run.offsetBytes(), run.lengthBytes());
  }

  /** Stops the endpoint; transfers under way are cut after the grace period. */
  CompletionStage<?> stopEndpoint(Duration grace) {
    announcement.ifPresent(MdnsAnnouncement::close);
    return endpoint.stop(grace);
  }
}
