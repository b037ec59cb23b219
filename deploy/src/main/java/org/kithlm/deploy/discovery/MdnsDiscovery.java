package org.kithlm.deploy.discovery;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.jmdns.ServiceEvent;
import javax.jmdns.ServiceInfo;
import javax.jmdns.ServiceListener;
import org.jspecify.annotations.Nullable;

/**
 * Asks the local networks by mDNS. It opens them anew each time, as a device that roams has other
 * addresses then. One thread.
 */
public final class MdnsDiscovery implements Discovery {
  /** So many addresses are worth a try; who forges more keeps the true one out. */
  static final int ANSWERS_MAX = 16;

  private static final int INTERFACES_MAX = 8;

  /** JmDNS asks three times in the first second; a device on Wi-Fi may sleep for a third of one. */
  private static final Duration PATIENCE = Duration.ofMillis(1500);

  private final Interfaces interfaces;

  /** The addresses of this device to ask from, one of each interface. */
  @FunctionalInterface
  interface Interfaces {
    List<InetAddress> addresses() throws IOException;
  }

  /**
   * For this device.
   *
   * @param host the address that the user has chosen, null to ask on all networks
   */
  public MdnsDiscovery(@Nullable String host) {
    this(host == null ? MdnsDiscovery::all : () -> List.of(InetAddress.getByName(host)));
  }

  MdnsDiscovery(Interfaces interfaces) {
    this.interfaces = interfaces;
  }

  private static List<InetAddress> all() throws SocketException {
    List<InetAddress> addresses = new ArrayList<>();
    for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
      if (network.isUp() && network.supportsMulticast() && !network.isLoopback()) {
        network
            .inetAddresses()
            .filter(Inet4Address.class::isInstance)
            .findFirst()
            .ifPresent(addresses::add);
      }
    }
    return addresses.subList(0, Math.min(INTERFACES_MAX, addresses.size()));
  }

  /**
   * Takes 1.5 s, or less where there are many answers. A lost loopback address is not asked for.
   */
  @Override
  public List<JoinAddress> find(String fingerprint, JoinAddress lost)
      throws IOException, InterruptedException {
    if (isLoopback(lost.host())) {
      return List.of();
    }
    Answers answers = new Answers(KithService.clusterId(fingerprint));
    List<BoundedJmDns> open = open();
    try {
      open.forEach(mdns -> mdns.addServiceListener(KithService.TYPE, answers));
      return answers.await(PATIENCE);
    } finally {
      open.forEach(BoundedJmDns::closeSoon);
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.ofLiteral(host).isLoopbackAddress();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Those interfaces that can be opened; at least one. */
  private List<BoundedJmDns> open() throws IOException {
    List<BoundedJmDns> open = new ArrayList<>();
    IOException failure = new IOException("no network interface that is up takes multicast");
    for (InetAddress address : interfaces.addresses()) {
      try {
        open.add(new BoundedJmDns(address, "kithlm-" + ProcessHandle.current().pid()));
      } catch (IOException e) {
        failure = e;
      }
    }
    if (open.isEmpty()) {
      throw failure;
    }
    return open;
  }

  /** What was answered about one cluster; JmDNS calls it on its threads. */
  private static final class Answers implements ServiceListener {
    private final String clusterId;
    private final Set<JoinAddress> addresses = new LinkedHashSet<>(); // guarded by this
    private final CountDownLatch full = new CountDownLatch(1);

    Answers(String clusterId) {
      this.clusterId = clusterId;
    }

    @Override
    public void serviceAdded(ServiceEvent event) {
      // The rest of it mostly comes with it, else it is asked for; one millisecond is no wait.
      event.getDNS().requestServiceInfo(event.getType(), event.getName(), 1);
    }

    @Override
    public void serviceRemoved(ServiceEvent event) {
      // It will not answer then, which is soon found out.
    }

    @Override
    public void serviceResolved(ServiceEvent event) {
      ServiceInfo info = event.getInfo();
      if (KithService.isOf(info, clusterId) && info.getPort() > 0) {
        for (Inet4Address address : info.getInet4Addresses()) {
          add(new JoinAddress(address.getHostAddress(), info.getPort()));
        }
      }
    }

    private synchronized void add(JoinAddress address) {
      if (addresses.size() < ANSWERS_MAX) {
        addresses.add(address);
      } else {
        full.countDown();
      }
    }

    @SuppressWarnings("ResultOfMethodCallIgnored") // what has come until then counts
    List<JoinAddress> await(Duration patience) throws InterruptedException {
      full.await(patience.toMillis(), TimeUnit.MILLISECONDS);
      synchronized (this) {
        return List.copyOf(addresses);
      }
    }
  }
}
