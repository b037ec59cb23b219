package org.kithlm.transport.collective;

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
import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameSeal;
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
  // Of sealed frames. Counting from the time of day keeps a rank that comes back within an epoch
  // from
  // using a nonce again: 2^20 frames a millisecond are out of reach.
  private long sentCounter = System.currentTimeMillis() << 20;
  private long receivedCounter;

  private boolean ready;
  private boolean closedByPeer;
  private int lostByPeer;
  private long aheadPosition;
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
   * @param seal null to send it readable
   * @return bytes handed over, 0 where there is no room or no connection yet
   * @throws TransportException if the publication has ended
   */
  int trySend(FrameFlyweight header, Elements elements, @Nullable FrameSeal seal) {
    int lengthBytes =
        FrameFlyweight.HEADER_LENGTH_BYTES
            + elements.lengthBytes(header.count())
            + (seal == null ? 0 : FrameSeal.OVERHEAD_BYTES);
    long result = publication.tryClaim(lengthBytes, claim);
    if (result > 0) {
      if (seal == null) {
        header.copyTo(claim.buffer(), claim.offset(), elements);
      } else {
        seal.seal(header, elements, peer.rank(), ++sentCounter, claim.buffer(), claim.offset());
      }
      claim.commit();
      return lengthBytes;
    }
    if (result == Publication.CLOSED || result == Publication.MAX_POSITION_EXCEEDED) {
      throw new TransportException(
          "publication to " + peer + " ended: " + Publication.errorString(result));
    }
    // BACK_PRESSURED, ADMIN_ACTION, NOT_CONNECTED: the caller tries again until it is late
    return 0;
  }

  /** Whether the driver has put all frames on the wire. */
  boolean isFlushed() {
    return counters.getCounterValue(senderPositionId) >= publication.position();
  }

  /** Hands frames that have arrived to {@code handler}; nothing before {@link #bind}. */
  int poll(ControlledFragmentHandler handler) {
    return image == null ? 0 : image.controlledPoll(handler, FRAGMENT_LIMIT);
  }

  /**
   * Shows frames that have arrived since the last look, also those behind frames that are not taken
   * yet, and leaves all in place.
   */
  void lookAhead(ControlledFragmentHandler handler) {
    if (image == null || image.isClosed()) {
      return;
    }
    // Aeron looks no further ahead than the term that the next frame is in.
    int termLength = image.termBufferLength();
    long position = image.position();
    long termEnd = position - (position & (termLength - 1)) + termLength;
    long start = Math.clamp(aheadPosition, position, termEnd);
    aheadPosition = image.controlledPeek(start, handler, Long.MAX_VALUE);
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

  /** The counter of the last sealed frame that was taken; those up to it are replays. */
  long receivedCounter() {
    return receivedCounter;
  }

  void receivedCounter(long counter) {
    receivedCounter = counter;
  }

  void heard() {
    lastHeardNs = System.nanoTime();
  }

  long lastHeardNs() {
    return lastHeardNs;
  }

  /** The peer said goodbye, as it lost {@code rank}, or else of its own accord. */
  void markClosedByPeer(int rank) {
    closedByPeer = true;
    lostByPeer = rank;
  }

  /** The rank because of which the peer closed; its own where it did not say or lost none. */
  int lostByPeer() {
    return closedByPeer ? lostByPeer : peer.rank();
  }

  /** Whether nothing more can come: the peer said so, or its image ended. */
  boolean isGone() {
    return closedByPeer || (image != null && (image.isClosed() || image.isEndOfStream()));
  }
}
