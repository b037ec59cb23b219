package org.kithlm.node.security;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManagerFactory;
import org.apache.pekko.actor.setup.Setup;
import org.apache.pekko.remote.artery.tcp.SSLEngineProvider;
import org.apache.pekko.remote.artery.tcp.SSLEngineProviderSetup;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * The TLS of one process: version 1.3 only, certificates of one cluster on both sides, the address
 * in a server's certificate is the one connected to, and no removed node. Pekko asks it for the
 * engines of the control plane. Thread-safe.
 */
public final class ClusterTls implements SSLEngineProvider {
  static final String PROTOCOL = "TLSv1.3";

  private static final Logger LOG = LoggerFactory.getLogger(ClusterTls.class);
  private static final int MAX_PEERS = 1024;

  private final Identity identity;
  private final RevokedNodes revoked;
  private final @Nullable String coordinator;
  private final SSLContext context;

  private final RefusedPeers refusedPeers = new RefusedPeers(System::nanoTime);

  private volatile Consumer<InetSocketAddress> onClosed = address -> {};

  /** Node ids by the address that was connected to; guarded by itself. */
  private final Map<String, String> nodes = new LinkedHashMap<>();

  private ClusterTls(Identity identity, RevokedNodes revoked, @Nullable String coordinator) {
    this.identity = identity;
    this.revoked = revoked;
    this.coordinator = coordinator;
    this.context = context(identity);
  }

  /** The TLS of the process that leads the cluster. */
  public static ClusterTls ofCoordinator(Identity identity, RevokedNodes revoked) {
    return new ClusterTls(identity, revoked, null);
  }

  /**
   * The TLS of a node.
   *
   * @param controlHost address of the coordinator's control plane, where no node may answer
   * @param controlPort its TCP port
   */
  public static ClusterTls ofNode(
      Identity identity, RevokedNodes revoked, String controlHost, int controlPort) {
    return new ClusterTls(identity, revoked, address(controlHost, controlPort));
  }

  private static SSLContext context(Identity identity) {
    try {
      KeyStore roots = KeyStore.getInstance("JKS"); // in memory, see Identity
      roots.load(null, null);
      roots.setCertificateEntry("root", identity.root());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(roots);
      SSLContext context = SSLContext.getInstance(PROTOCOL);
      context.init(identity.keyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("cannot use the certificates of the cluster", e);
    }
  }

  /** For requests to the coordinator, which is told from other members of the cluster. */
  public SSLContext toCoordinator() {
    return CoordinatorTrust.context(identity.clusterFingerprint(), identity);
  }

  /** Makes an actor system use it. */
  public Setup setup() {
    return SSLEngineProviderSetup.create(system -> this);
  }

  /** For a server that also takes connections without a certificate, and looks itself. */
  public SSLEngine openServerEngine() {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {PROTOCOL});
    engine.setWantClientAuth(true);
    return new LoggedEngine(engine, closed -> {});
  }

  @Override
  public SSLEngine createServerSSLEngine(String hostname, int port) {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {PROTOCOL});
    engine.setNeedClientAuth(true);
    ArteryFrames frames = new ArteryFrames();
    return new LoggedEngine(
        engine, this::closed, (session, bytes) -> inspect(frames, session, bytes));
  }

  @Override
  public SSLEngine createClientSSLEngine(String hostname, int port) {
    SSLEngine engine = context.createSSLEngine(hostname, port);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setProtocols(new String[] {PROTOCOL});
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    engine.setSSLParameters(parameters);
    return new LoggedEngine(engine, closed -> {});
  }

  @Override
  public Option<Throwable> verifyServerSession(String hostname, SSLSession session) {
    return verify(session, "a connection");
  }

  @Override
  public Option<Throwable> verifyClientSession(String hostname, SSLSession session) {
    return verify(session, address(session.getPeerHost(), session.getPeerPort()));
  }

  /** What is left to Pekko fails all its inbound streams, or makes it wait. */
  private void inspect(ArteryFrames frames, SSLSession session, ByteBuffer bytes)
      throws SSLException {
    String refusal = frames.refusal(bytes);
    if (refusal != null) {
      refusedPeers.refused(peer(session), refusal);
      throw new SSLException(refusal);
    }
  }

  /** Pekko does not tell an engine where its peer is, but the peer's certificate does. */
  private static String peer(SSLSession session) throws SSLPeerUnverifiedException {
    X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
    String who = Certificates.nodeId(certificate).map(id -> "node " + id).orElse("the coordinator");
    return who + " at " + Certificates.host(certificate);
  }

  /** In the session, as a resumed one has no new certificates. */
  private Option<Throwable> verify(SSLSession session, String peer) {
    try {
      X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
      requireMember(certificate);
      if (peer.equals(coordinator) && !Certificates.isCoordinator(certificate)) {
        throw new SSLPeerUnverifiedException("a node answers in the coordinator's place");
      }
      Certificates.nodeId(certificate).ifPresent(id -> remember(peer, id));
      return Option.empty();
    } catch (SSLPeerUnverifiedException e) {
      LOG.warn("refused {}: {}", peer, e.getMessage());
      return Option.apply(e);
    }
  }

  /**
   * Checks who a certificate of the cluster belongs to.
   *
   * @throws SSLPeerUnverifiedException if that is neither the coordinator nor a node, or the node
   *     was removed
   */
  public void requireMember(X509Certificate certificate) throws SSLPeerUnverifiedException {
    Optional<String> nodeId = Certificates.nodeId(certificate);
    if (nodeId.isPresent() && revoked.contains(nodeId.get())) {
      throw new SSLPeerUnverifiedException(
          "node " + nodeId.get() + " was removed from the cluster with kith node rm");
    }
    if (nodeId.isEmpty() && !Certificates.isCoordinator(certificate)) {
      throw new SSLPeerUnverifiedException(
          "its certificate names neither a node nor a coordinator");
    }
  }

  private void remember(String peer, String nodeId) {
    synchronized (nodes) {
      if (nodes.size() >= MAX_PEERS) {
        nodes.remove(nodes.keySet().iterator().next());
      }
      nodes.put(peer, nodeId);
    }
  }

  /** The id of the node that was last connected to at an address. */
  public Optional<String> nodeAt(String host, int port) {
    synchronized (nodes) {
      return Optional.ofNullable(nodes.get(address(host, port)));
    }
  }

  /**
   * Has a listener told of the coordinator or a node that closed a connection to this process: the
   * addresses that this process knows of it. Called on a thread of Pekko; it must not block.
   */
  public void onClosed(Consumer<InetSocketAddress> listener) {
    onClosed = listener;
  }

  private void closed(SSLSession session) {
    try {
      X509Certificate certificate = (X509Certificate) session.getPeerCertificates()[0];
      Optional<String> nodeId = Certificates.nodeId(certificate);
      if (nodeId.isPresent()) {
        addressesOf(nodeId.get()).forEach(onClosed);
      } else if (coordinator != null) {
        onClosed.accept(controlAddress(coordinator));
      }
    } catch (SSLPeerUnverifiedException e) {
      // It never proved who it is.
    }
  }

  private List<InetSocketAddress> addressesOf(String nodeId) {
    synchronized (nodes) {
      return nodes.entrySet().stream()
          .filter(entry -> entry.getValue().equals(nodeId))
          .map(Map.Entry::getKey)
          .filter(peer -> peer.indexOf(':') > 0) // else one that connected to us
          .map(ClusterTls::controlAddress)
          .toList();
    }
  }

  private static InetSocketAddress controlAddress(String peer) {
    int colon = peer.lastIndexOf(':');
    return InetSocketAddress.createUnresolved(
        peer.substring(0, colon), Integer.parseInt(peer.substring(colon + 1)));
  }

  private static String address(String host, int port) {
    return host + ":" + port;
  }
}
