package org.kithlm.transport;

/**
 * Where a rank receives frames.
 *
 * @param rank its number, 0 is the root
 * @param host name or literal address, IPv6 without brackets
 * @param port UDP port, 1 to 65535
 */
public record PeerAddress(int rank, String host, int port) {
  /** Checks the ranges. */
  public PeerAddress {
    if (rank < 0 || host.isBlank() || port < 1 || port > 65_535) {
      throw new IllegalArgumentException(
          "peer rank=" + rank + " host=" + host + " port=" + port + ": the port is 1 to 65535");
    }
  }

  /** {@code host:port}, with brackets around a literal IPv6 address. */
  public String endpoint() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  @Override
  public String toString() {
    return "rank " + rank + " (" + endpoint() + ")";
  }
}
