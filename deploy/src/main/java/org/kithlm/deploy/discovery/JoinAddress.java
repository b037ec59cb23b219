package org.kithlm.deploy.discovery;

/**
 * Where a coordinator takes in nodes.
 *
 * @param host its address; IPv6 without brackets
 * @param port the TCP port
 */
public record JoinAddress(String host, int port) {
  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
