package org.kithlm.transport.collective;

import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;

/** Who is to blame when a wait ends without what was awaited. */
final class Losses {
  private Losses() {}

  /** The peer that was silent for the round timeout. */
  static PeerLostException silent(Link link, String awaited) {
    return lost(link.peer(), link, "was silent", awaited);
  }

  /** The peer that closed its session, or the one because of which it did. */
  static PeerLostException gone(SessionConfig config, Link link, String awaited) {
    int culprit = link.lostByPeer();
    if (culprit == link.peer().rank() || culprit == config.rank()) {
      return lost(link.peer(), link, "closed its session", awaited);
    }
    return lost(config.peers().get(culprit), link, "was given up by " + link.peer(), awaited);
  }

  /**
   * Who is lost after a wait of {@code timeoutNs} for {@code awaited}: the root, if it has been
   * silent for half of that, as a leaf that it did not come to tell of the step is silent, too;
   * otherwise the {@link #longestSilent}.
   */
  static Link culprit(Link[] links, Link awaited, long timeoutNs) {
    Link first = links[0];
    boolean rootIsSilent = first.peer().rank() == 0 && first.silentNs() >= timeoutNs / 2;
    return rootIsSilent ? first : longestSilent(links, awaited);
  }

  /** The peer last heard longest ago; {@code awaited} among equals. */
  static Link longestSilent(Link[] links, Link awaited) {
    Link longest = awaited;
    for (Link link : links) {
      if (link.silentNs() > longest.silentNs()) {
        longest = link;
      }
    }
    return longest;
  }

  private static PeerLostException lost(
      PeerAddress peer, Link heardThrough, String reason, String awaited) {
    return new PeerLostException(
        peer, heardThrough.lastHeardNs(), heardThrough.silentNs(), reason, awaited);
  }
}
