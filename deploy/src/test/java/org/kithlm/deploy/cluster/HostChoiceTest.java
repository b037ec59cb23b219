package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.NetworkInterface;
import org.junit.jupiter.api.Test;

class HostChoiceTest {
  @Test
  void shouldTakeWhatTheUserWants() {
    assertEquals(new HostChoice("desk", "as --host says"), HostChoice.of("desk"));
  }

  @Test
  void shouldFindAnAddressOfThisMachineAndSayWhy() throws Exception {
    HostChoice choice = HostChoice.of(null);

    InetAddress address = InetAddress.ofLiteral(choice.host());
    assertTrue(NetworkInterface.getByInetAddress(address) != null, choice.toString());
    assertTrue(choice.reason().contains("default route"), choice.toString());
  }

  @Test
  void shouldReachThisMachineOverLoopback() throws Exception {
    assertEquals("127.0.0.1", HostChoice.towards("127.0.0.1"));
  }
}
