package org.kithlm.deploy.discovery;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the local network where a cluster takes in nodes, until it is closed. Thread-safe. */
public final class MdnsAnnouncement implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MdnsAnnouncement.class);

  private final BoundedJmDns mdns;

  private MdnsAnnouncement(BoundedJmDns mdns) {
    this.mdns = mdns;
  }

  /**
   * Announces a coordinator on the interface of its address, and on no other.
   *
   * @param host its address; loopback is not announced, nor is a name, which finds it already
   * @param port TCP port that it takes in nodes at
   * @param fingerprint SHA-256 of the cluster's root certificate, in hexadecimal
   * @return nothing where it is not announced; if that is for want of multicast, it is logged
   */
  public static Optional<MdnsAnnouncement> start(String host, int port, String fingerprint) {
    Optional<InetAddress> address = networkAddress(host);
    try {
      return address.isPresent()
          ? Optional.of(start(address.get(), port, fingerprint))
          : Optional.empty();
    } catch (IOException e) {
      LOG.warn(
          "not announced by mDNS on the network of {}: {}; nodes find this machine by its address",
          host,
          e.getMessage());
      return Optional.empty();
    }
  }

  static MdnsAnnouncement start(InetAddress address, int port, String fingerprint)
      throws IOException {
    BoundedJmDns mdns = new BoundedJmDns(address, "kithlm-" + KithService.clusterId(fingerprint));
    try {
      mdns.registerService(KithService.of(fingerprint, port));
      return new MdnsAnnouncement(mdns);
    } catch (IOException e) {
      mdns.closeSoon();
      throw e;
    }
  }

  private static Optional<InetAddress> networkAddress(String host) {
    try {
      InetAddress address = InetAddress.ofLiteral(host);
      return address instanceof Inet4Address && !address.isLoopbackAddress()
          ? Optional.of(address)
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Takes it back; does not wait for that. */
  @Override
  public void close() {
    mdns.closeSoon();
  }
}
