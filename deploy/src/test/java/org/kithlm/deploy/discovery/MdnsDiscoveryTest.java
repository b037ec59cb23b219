package org.kithlm.deploy.discovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.jmdns.impl.DNSRecord;
import javax.jmdns.impl.constants.DNSRecordClass;
import org.junit.jupiter.api.Test;
import org.kithlm.node.security.Certificates;

class MdnsDiscoveryTest {
  private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
  private static final JoinAddress LOST = new JoinAddress("192.0.2.1", 11502);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final MdnsDiscovery discovery = new MdnsDiscovery(() -> List.of(LOOPBACK));

  /** Anything is a fingerprint of something; runs do not disturb one another. */
  private static String fingerprint(String cluster) {
    return Certificates.sha256(cluster + ProcessHandle.current().pid());
  }

  /** Asks until there is an answer: an announcement takes seconds, and a datagram may be lost. */
  private List<JoinAddress> find(String fingerprint) throws Exception {
    long deadlineNs = System.nanoTime() + PATIENCE.toNanos();
    List<JoinAddress> found = discovery.find(fingerprint, LOST);
    while (found.isEmpty() && System.nanoTime() < deadlineNs) {
      found = discovery.find(fingerprint, LOST);
    }
    return found;
  }

  @Test
  void shouldFindTheClusterThatIsAskedFor() throws Exception {
    String wanted = fingerprint("wanted");
    String other = fingerprint("other");
    try (MdnsAnnouncement announced = MdnsAnnouncement.start(LOOPBACK, 4711, wanted);
        MdnsAnnouncement beside = MdnsAnnouncement.start(LOOPBACK, 4712, other)) {
      assertFalse(announced.equals(beside));
      assertEquals(List.of(new JoinAddress("127.0.0.1", 4711)), find(wanted));
      assertEquals(List.of(new JoinAddress("127.0.0.1", 4712)), find(other));
      assertEquals(List.of(), discovery.find(fingerprint("none"), LOST));
    }
  }

  @Test
  void shouldNotAskForAClusterOfThisMachineOnly() throws Exception {
    MdnsDiscovery silent =
        new MdnsDiscovery(
            () -> {
              throw new AssertionError("asked");
            });
    assertEquals(List.of(), silent.find(fingerprint("local"), new JoinAddress("127.0.0.1", 11502)));
  }

  @Test
  void shouldSayWhenThereIsNoNetwork() {
    MdnsDiscovery alone = new MdnsDiscovery(List::of);
    IOException failure =
        assertThrows(IOException.class, () -> alone.find(fingerprint("any"), LOST));
    assertEquals("no network interface that is up takes multicast", failure.getMessage());
  }

  @Test
  void shouldNotAnnounceLoopbackAddressesNorNames() {
    assertEquals(Optional.empty(), MdnsAnnouncement.start("127.0.0.1", 1, fingerprint("any")));
    assertEquals(Optional.empty(), MdnsAnnouncement.start("desk", 1, fingerprint("any")));
  }

  @Test
  void shouldKeepFewRecordsOfOthers() throws Exception {
    try (BoundedJmDns mdns = new BoundedJmDns(LOOPBACK, "kithlm-test")) {
      assertFalse(mdns.registerServiceType("_printer._tcp.local."));
      assertTrue(mdns.registerServiceType("_KithLM._tcp.local."));
      int most = 0;
      for (int i = 0; i < 10_000; i++) {
        mdns.getCache()
            .addDNSEntry(
                new DNSRecord.Pointer(
                    KithService.TYPE, DNSRecordClass.CLASS_IN, false, 3600, "forged-" + i));
        most = Math.max(most, mdns.getCache().allValues().size());
      }
      assertTrue(most > 100 && most <= 2000, "most=" + most);
    }
  }
}
