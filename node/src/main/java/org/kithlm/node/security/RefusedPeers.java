package org.kithlm.node.security;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs why something of a peer was refused: a line for each peer now and then, as it may try again
 * as often as it likes. Thread-safe.
 */
final class RefusedPeers {
  private static final Logger LOG = LoggerFactory.getLogger(RefusedPeers.class);
  private static final long BETWEEN_LINES_NS = Duration.ofSeconds(10).toNanos();
  private static final int PEERS_MAX = 256;

  private final LongSupplier clockNs;
  private final Map<String, Lines> peers = new LinkedHashMap<>(); // guarded by itself

  /**
   * What was logged of a peer.
   *
   * @param lastNs when
   * @param leftOut how many refusals were not, since then
   */
  private record Lines(long lastNs, long leftOut) {}

  /**
   * Nobody was refused yet.
   *
   * @param clockNs as {@link System#nanoTime}
   */
  RefusedPeers(LongSupplier clockNs) {
    this.clockNs = clockNs;
  }

  /** Something of a peer was refused. */
  void refused(String peer, String reason) {
    long nowNs = clockNs.getAsLong();
    long leftOut;
    synchronized (peers) {
      Lines lines = peers.get(peer);
      if (lines != null && nowNs - lines.lastNs() < BETWEEN_LINES_NS) {
        peers.put(peer, new Lines(lines.lastNs(), lines.leftOut() + 1));
        return;
      }
      leftOut = lines == null ? 0 : lines.leftOut();
      if (lines == null && peers.size() >= PEERS_MAX) {
        peers.remove(peers.keySet().iterator().next());
      }
      peers.put(peer, new Lines(nowNs, 0));
    }
    LOG.warn(
        "refused a connection of {}: {}{}",
        peer,
        reason,
        leftOut == 0 ? "" : "; and " + leftOut + " more since the last such line");
  }
}
