package org.kithlm.deploy.discovery;

import java.io.IOException;
import java.net.InetAddress;
import java.util.concurrent.atomic.AtomicInteger;
import javax.jmdns.impl.DNSCache;
import javax.jmdns.impl.JmDNSImpl;

/**
 * JmDNS on one interface, with bounds: it would keep each record and each kind of service that any
 * device on the network sends, as fast as they come. Thread-safe.
 */
final class BoundedJmDns extends JmDNSImpl {
  /**
   * A record is looked up before it is kept, so there are no more of them; 2000 of 9 KB, the
   * longest that a datagram holds, are 18 MB.
   */
  private static final int LOOK_UPS_MAX = 2000;

  /** After each datagram, so that a flood costs 200 of them a second. */
  private static final long REST_MS = 5;

  private final AtomicInteger lookUps = new AtomicInteger(); // null while the superclass is made

  /**
   * Opens the interface and starts its threads.
   *
   * @param address of the interface
   * @param name of this process among hosts, without the domain
   * @throws IOException if the interface takes no multicast
   */
  BoundedJmDns(InetAddress address, String name) throws IOException {
    // With a name, as JmDNS would ask a name server for one and wait.
    super(InetAddress.getByAddress(name, address.getAddress()), name, REST_MS);
  }

  @Override
  public DNSCache getCache() {
    DNSCache cache = super.getCache();
    if (lookUps != null && lookUps.incrementAndGet() >= LOOK_UPS_MAX) {
      lookUps.set(0);
      cache.clear();
    }
    return cache;
  }

  @Override
  public boolean registerServiceType(String type) {
    return KithService.isType(type) && super.registerServiceType(type);
  }

  /** Says goodbye, which takes two seconds, on a thread of its own. */
  void closeSoon() {
    Thread.ofPlatform().name("kith-mdns-close").daemon().start(this::close);
  }
}
