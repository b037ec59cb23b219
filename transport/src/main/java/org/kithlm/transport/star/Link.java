package org.kithlm.transport.star;

import io.aeron.AeronCounters;
import io.aeron.ExclusivePublication;
import io.aeron.Image;
import io.aeron.Publication;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.ControlledFragmentHandler;
import org.agrona.concurrent.status.CountersReader;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.media.Media;

/** Both directions to one peer. Owned by the session's thread. */
final class Link {
  // Frames taken at once; bounds the time away from the sender.
  private static final int FRAGMENT_LIMIT = 16;

  private final PeerAddress peer;
  private final ExclusivePublication publication;
  private final CountersReader counters;
  private final int senderPositionId;
  private final BufferClaim claim = new BufferClaim();
  private @Nullable Image image;
  private boolean ready;
  private boolean closedByPeer;
  private long lastHeardNs = System.nanoTime();

  Link(PeerAddress peer, Media media) {
    this.peer = peer;
    publication = media.publicationTo(peer);
    counters = media.counters();
    senderPositionId =
        counters.findByTypeIdAndRegistrationId(
            AeronCounters.DRIVER_SENDER_POSITION_TYPE_ID, publication.registrationId());
    if (senderPositionId == CountersReader.NULL_COUNTER_ID) {
      throw new TransportException("no sender position for the publication to " + peer);
    }
  }

  PeerAddress peer() {
    return peer;
  }

  /**
   * Hands a frame to the driver.
   *
   * @return bytes handed over, 0 where there is no room or no connection yet
   * @throws TransportException if the publication has ended
   */
  int trySend(FrameFlyweight header, float[] values) {
    int lengthBytes = FrameFlyweight.HEADER_LENGTH_BYTES + header.count() * Float.BYTES;
    long result = publication.tryClaim(lengthBytes, claim);
    if (result > 0) {
      header.copyTo(claim.buffer(), claim.offset(), values);
      claim.commit();
      return lengthBytes;
    }
    if (result == Publication.CLOSED || result == Publication.MAX_POSITION_EXCEEDED) {
      throw new TransportException(
          "publication to " + peer + " ended: " + Publication.errorString(result));
    }
    return 0; // BACK_PRESSURED, ADMIN_ACTION, NOT_CONNECTED: the caller tries again until it is
    // late
  }

  /** Whether the driver has put all frames on the wire. */
  boolean isFlushed() {
    return counters.getCounterValue(senderPositionId) >= publication.position();
  }

  /** Hands frames that have arrived to {@code handler}; nothing before {@link #bind}. */
  int poll(ControlledFragmentHandler handler) {
    return image == null ? 0 : image.controlledPoll(handler, FRAGMENT_LIMIT);
  }

  /** From now on this peer is heard through {@code newImage}. */
  void bind(Image newImage) {
    image = newImage;
  }

  boolean isBoundTo(Image other) {
    return image == other;
  }

  boolean isBound() {
    return image != null;
  }

  void markReady() {
    ready = true;
  }

  boolean isReady() {
    return ready;
  }

  void heard() {
    lastHeardNs = System.nanoTime();
  }

  long lastHeardNs() {
    return lastHeardNs;
  }

  void markClosedByPeer() {
    closedByPeer = true;
  }

  /** Whether nothing more can come: the peer said so, or its image ended. */
  boolean isGone() {
    return closedByPeer || (image != null && (image.isClosed() || image.isEndOfStream()));
  }
}
