package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.kithlm.node.control.ClusterSettings;
import org.kithlm.node.security.ClusterTls;
import org.kithlm.node.security.EnrolmentClient;
import org.kithlm.node.security.Identity;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.RevokedNodes;

/** A coordinator's doors: the control plane without actors, and the endpoint for nodes. */
public final class TestCluster implements AutoCloseable {
  public static final String HOST = "127.0.0.1";
  static final String PACK = "the weights of a model";

  final AtomicReference<Instant> now = new AtomicReference<>(Instant.now());
  final CertificateAuthority authority = CertificateAuthority.create();
  final ClusterBooks books;
  final RevokedNodes revoked = new RevokedNodes();
  final Identity identity = authority.coordinator(HOST);
  final ClusterTls tls = ClusterTls.ofCoordinator(identity, revoked);
  final ActorSystem<Void> system;
  public final NodeEndpoint.Running endpoint;

  public TestCluster(Path folder) throws Exception {
    InstantSource source = now::get;
    Clock clock = source.withZone(ZoneOffset.UTC);
    books =
        new ClusterBooks(
            authority,
            new JoinTokens(new MemoryLedger<>(), clock),
            new NodeRegister(new MemoryLedger<>(), clock));
    system =
        ActorSystem.create(
            Behaviors.<Void>empty(),
            ClusterSettings.SYSTEM,
            ClusterSettings.setup(
                ClusterSettings.of(HOST, 0, ClusterSettings.COORDINATOR_ROLE), tls));
    endpoint = endpoint(tls, folder);
  }

  /** Another endpoint with some TLS. */
  NodeEndpoint.Running endpoint(ClusterTls tls, Path folder) throws Exception {
    Path pack = Files.writeString(folder.resolve("model.pack"), PACK);
    return NodeEndpoint.start(system, tls, books, HOST, 0, pack)
        .toCompletableFuture()
        .get(20, TimeUnit.SECONDS);
  }

  int controlPort() {
    return system.address().getPort().orElseThrow();
  }

  public JoinToken token(boolean reusable) throws IOException {
    String secret = books.tokens().create(Duration.ofHours(1), reusable);
    return new JoinToken(HOST, endpoint.port(), authority.fingerprint(), secret);
  }

  EnrolmentClient.Enrolled enrol() throws Exception {
    return new EnrolmentClient("laptop", HOST).enrol(token(false));
  }

  ClusterTls tlsOf(EnrolmentClient.Enrolled node) {
    return ClusterTls.ofNode(
        node.identity(), new RevokedNodes(), node.controlHost(), node.controlPort());
  }

  @Override
  public void close() {
    system.terminate();
  }
}
