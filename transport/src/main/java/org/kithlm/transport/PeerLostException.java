package org.kithlm.transport;

/** A rank fell silent or closed its session. The session is over. */
public final class PeerLostException extends TransportException {
  private static final long serialVersionUID = 1L;

  private final transient PeerAddress peer;
  private final long lastHeardNs;

  /**
   * A lost peer.
   *
   * @param peer who
   * @param lastHeardNs {@link System#nanoTime()} of its last frame
   * @param silentNs how long ago that was
   * @param reason timed out or closed
   * @param awaited what the caller waited for
   */
  public PeerLostException(
      PeerAddress peer, long lastHeardNs, long silentNs, String reason, String awaited) {
    super(
        "lost %s: it %s while %s was awaited; last heard %d ms ago"
            .formatted(peer, reason, awaited, silentNs / 1_000_000));
    this.peer = peer;
    this.lastHeardNs = lastHeardNs;
  }

  /** Who was lost. */
  public PeerAddress peer() {
    return peer;
  }

  /** {@link System#nanoTime()} of its last frame. */
  public long lastHeardNs() {
    return lastHeardNs;
  }
}
