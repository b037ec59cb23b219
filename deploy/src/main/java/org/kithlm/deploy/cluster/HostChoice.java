package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import org.jspecify.annotations.Nullable;

/**
 * The address of this machine that other machines are told.
 *
 * @param host the address
 * @param reason why this one, for the user
 */
public record HostChoice(String host, String reason) {
  private static final int ANY_PORT = 9;

  /** Kept for documentation (RFC 5737), so beyond every local network. */
  private static final String ELSEWHERE = "192.0.2.1";

  /** Takes what the user wants, or else the address that this machine reaches others from. */
  public static HostChoice of(@Nullable String wanted) {
    if (wanted != null) {
      return new HostChoice(wanted, "as --host says");
    }
    try {
      InetAddress address = towards(ELSEWHERE, ANY_PORT);
      NetworkInterface port = NetworkInterface.getByInetAddress(address);
      if (port != null && !address.isLoopbackAddress() && !address.isAnyLocalAddress()) {
        return new HostChoice(
            address.getHostAddress(),
            "of " + port.getName() + ", which has the default route; --host chooses another");
      }
    } catch (IOException | UncheckedIOException e) {
      // There is no route.
    }
    return new HostChoice(
        "127.0.0.1",
        "as there is no default route, so only processes of this machine can join; --host chooses"
            + " another");
  }

  /**
   * The local address of the route to a host.
   *
   * @throws IOException if there is none
   */
  static String towards(String host) throws IOException {
    try {
      return towards(host, ANY_PORT).getHostAddress();
    } catch (IOException | UncheckedIOException e) {
      throw new IOException("no route to " + host, e);
    }
  }

  /** Connecting a datagram socket sends nothing. */
  private static InetAddress towards(String host, int port) throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.connect(new InetSocketAddress(host, port));
      return socket.getLocalAddress();
    }
  }
}
