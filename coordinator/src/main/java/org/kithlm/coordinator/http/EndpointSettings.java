package org.kithlm.coordinator.http;

import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the endpoint listens and whom it serves.
 *
 * @param host name or address to bind; anything but loopback needs an API key
 * @param port port to bind, 0 for a free one
 * @param apiKey what clients must send as {@code Authorization: Bearer}, null for none
 * @param allowedHosts names accepted in the Host header besides loopback and the bound address
 * @param allowedOrigins web origins ({@code scheme://host[:port]}) accepted besides the endpoint's
 *     own and those of localhost
 * @param limits times and sizes
 */
public record EndpointSettings(
    String host,
    int port,
    @Nullable String apiKey,
    Set<String> allowedHosts,
    Set<String> allowedOrigins,
    Limits limits) {

  /**
   * Bounds of a connection.
   *
   * @param keepAlive longest silence of a stream: a comment is sent after it
   * @param idle longest wait for a whole request head on an open connection
   * @param body longest wait for a request body
   * @param generation longest wait for an answer that is not streamed
   * @param maxBodyBytes largest request body
   * @param maxConnections most connections at a time; more wait in the backlog
   * @param streamBufferEvents tokens held for a slow reader before its generation is cancelled
   */
  public record Limits(
      Duration keepAlive,
      Duration idle,
      Duration body,
      Duration generation,
      int maxBodyBytes,
      int maxConnections,
      int streamBufferEvents) {

    /**
     * 5 s between comments, far below the 300 s after which clients give up; 4096 tokens are about
     * 1 MB of events.
     */
    public static final Limits DEFAULT =
        new Limits(
            Duration.ofSeconds(5),
            Duration.ofSeconds(60),
            Duration.ofSeconds(30),
            Duration.ofHours(1),
            1 << 20,
            256,
            4096);
  }

  /** Copies the sets and checks the values; the message names the field. */
  public EndpointSettings {
    allowedHosts = Set.copyOf(allowedHosts);
    allowedOrigins = Set.copyOf(allowedOrigins);
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port=" + port + " is out of range: 0 to 65535");
    }
    if (apiKey != null && apiKey.isBlank()) {
      throw new IllegalArgumentException("the API key is blank: give a secret or none at all");
    }
  }

  /** The default: this machine only, no key. */
  public static EndpointSettings onLoopback(int port) {
    return new EndpointSettings("127.0.0.1", port, null, Set.of(), Set.of(), Limits.DEFAULT);
  }

  /** All but the key. */
  @Override
  public String toString() {
    return "EndpointSettings[host="
        + host
        + ", port="
        + port
        + ", apiKey="
        + (apiKey == null ? "none" : "set")
        + ", allowedHosts="
        + allowedHosts
        + ", allowedOrigins="
        + allowedOrigins
        + ", limits="
        + limits
        + "]";
  }
}
