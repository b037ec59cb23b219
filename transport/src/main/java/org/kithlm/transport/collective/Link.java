package org.kithlm.transport.collective;

import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.ControlledFragmentHandler;
import org.agrona.concurrent.NanoClock;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameSeal;
import org.kithlm.transport.media.FrameReceiver;
import org.kithlm.transport.media.FrameSender;
import org.kithlm.transport.media.Media;

/** Both directions to one peer. Owned by the session's thread. */
final class Link {
  // Frames taken at once; bounds the time away from the sender.
  private static final int FRAGMENT_LIMIT = 16;

  // What frames with elements leave to those without: an abort, a farewell and signs of life reach
  // a peer that takes no elements, as it waits for those of another. Room for about thirty.
  private static final int SPARE_BYTES = 4096;

  private final PeerAddress peer;
  private final FrameSender sender;
  private final NanoClock clock;
  private final BufferClaim claim = new BufferClaim();
  private @Nullable FrameReceiver receiver;
  // Of sealed frames. Counting from the time of day keeps a rank that comes back within an epoch
  // from
  // using a nonce again: 2^20 frames a millisecond are out of reach.
  private long sentCounter = System.currentTimeMillis() << 20;
  private long receivedCounter;

  private boolean ready;
  private boolean closedByPeer;
  private int lostByPeer;
  private long lastHeardNs;

  Link(PeerAddress peer, Media media, NanoClock clock) {
    this.peer = peer;
    this.clock = clock;
    sender = media.senderTo(peer);
    lastHeardNs = clock.nanoTime();
  }

  PeerAddress peer() {
    return peer;
  }

  /**
   * Hands a frame to the media.
   *
   * @param elementsBytes of {@code elements} in the frame
   * @param seal null to send it readable
   * @return bytes handed over, 0 where there is no room or no connection yet
   * @throws TransportException if nothing can be sent any more
   */
  int trySend(
      FrameFlyweight header, Elements elements, int elementsBytes, @Nullable FrameSeal seal) {
    int lengthBytes =
        FrameFlyweight.HEADER_LENGTH_BYTES
            + elementsBytes
            + (seal == null ? 0 : FrameSeal.OVERHEAD_BYTES);
    int spareBytes = header.count() == 0 ? 0 : SPARE_BYTES;
    if (!sender.tryClaim(lengthBytes, spareBytes, claim)) {
      return 0;
    }
    if (seal == null) {
      header.copyTo(claim.buffer(), claim.offset(), elements);
    } else {
      seal.seal(header, elements, peer.rank(), ++sentCounter, claim.buffer(), claim.offset());
    }
    claim.commit();
    return lengthBytes;
  }

  /** Whether all frames are on the wire. */
  boolean isFlushed() {
    return sender.isFlushed();
  }

  /** Hands frames that have arrived to {@code handler}; nothing before {@link #bind}. */
  void poll(ControlledFragmentHandler handler) {
    if (receiver != null) {
      receiver.poll(handler, FRAGMENT_LIMIT);
    }
  }

  /**
   * Shows frames that have arrived since the last look, also those behind frames that are not taken
   * yet, and leaves all in place.
   */
  void lookAhead(ControlledFragmentHandler handler) {
    if (receiver != null) {
      receiver.lookAhead(handler);
    }
  }

  /** From now on this peer is heard through {@code newReceiver}. */
  void bind(FrameReceiver newReceiver) {
    receiver = newReceiver;
  }

  boolean isBoundTo(FrameReceiver other) {
    return other.equals(receiver);
  }

  boolean isBound() {
    return receiver != null;
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
    lastHeardNs = clock.nanoTime();
  }

  long lastHeardNs() {
    return lastHeardNs;
  }

  /** Time since the last frame. */
  long silentNs() {
    return clock.nanoTime() - lastHeardNs;
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

  /** Whether nothing more can come: the peer said so, or its stream ended. */
  boolean isGone() {
    return closedByPeer || (receiver != null && receiver.isGone());
  }
}
