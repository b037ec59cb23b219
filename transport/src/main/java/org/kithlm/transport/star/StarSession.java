package org.kithlm.transport.star;

import io.aeron.Image;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.protocol.DataHeaderFlyweight;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.StarConfig;
import org.kithlm.transport.TransportCounters;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.media.Media;

/**
 * What root and leaf have in common: links, waiting under a deadline, the first failure, counters.
 * Owned by one thread, except {@link #fail} and {@link #counters}.
 */
final class StarSession implements AutoCloseable {
  static final float[] NO_VALUES = new float[0];
  static final Supplier<String> ROOM_TO_SEND = () -> "room to send";

  // A farewell is a courtesy: the peer has other ways to learn.
  private static final long FAREWELL_NS = 20_000_000;

  private final StarConfig config;
  private final Media media;
  private final Link[] links; // an array, as walking it allocates nothing
  private final FrameFlyweight outgoing;
  private final FrameFlyweight incoming = new FrameFlyweight();
  private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
  private boolean closed;

  // Written by the owning thread only, read by any.
  private final AtomicLong rounds = new AtomicLong();
  private final AtomicLong sentBytes = new AtomicLong();
  private final AtomicLong receivedBytes = new AtomicLong();
  private final AtomicLong droppedFrames = new AtomicLong();
  private final AtomicLong waitedNs = new AtomicLong();

  private long waitStartNs;

  private final ControlledFragmentHandler dropAll =
      (buffer, offset, length, header) -> {
        drop();
        return ControlledFragmentHandler.Action.CONTINUE;
      };

  private final UnboundHandler unboundDropper =
      image -> image.controlledPoll(dropAll, Integer.MAX_VALUE);

  /** Opens the driver and one link to each of {@code peers}. */
  StarSession(StarConfig config, List<PeerAddress> peers) {
    this.config = config;
    outgoing = FrameFlyweight.allocateHeader(config.epoch(), config.rank());
    media = new Media(config);
    try {
      links = peers.stream().map(peer -> new Link(peer, media)).toArray(Link[]::new);
    } catch (RuntimeException e) {
      media.close();
      throw e;
    }
  }

  StarConfig config() {
    return config;
  }

  Link[] links() {
    return links;
  }

  /** The header of the next frame to send. */
  FrameFlyweight outgoing() {
    return outgoing;
  }

  /** The frame that {@link #accept} took last. */
  FrameFlyweight incoming() {
    return incoming;
  }

  /** Most elements of one frame. */
  int maxFrameFloats() {
    return (config.mtuLength()
            - DataHeaderFlyweight.HEADER_LENGTH
            - FrameFlyweight.HEADER_LENGTH_BYTES)
        / Float.BYTES;
  }

  /** Ends the session: the owner's current or next call throws {@code cause}. Any thread. */
  void fail(RuntimeException cause) {
    failure.compareAndSet(null, cause);
  }

  /** Throws the first failure, if there was one. */
  void checkFailure() {
    RuntimeException cause = failure.get();
    if (cause != null) {
      throw cause;
    }
  }

  /** Throws unless {@code length} fits both the vector and the session. */
  void checkLength(float[] values, int length) {
    checkFailure();
    if (length < 1 || length > values.length || length > config.maxFloats()) {
      throw new IllegalArgumentException(
          "length=%d values.length=%d maxFloats=%d"
              .formatted(length, values.length, config.maxFloats()));
    }
  }

  /** Any thread. */
  TransportCounters counters() {
    return new TransportCounters(
        rounds.get(), sentBytes.get(), receivedBytes.get(), droppedFrames.get(), waitedNs.get());
  }

  void countRound() {
    rounds.lazySet(rounds.getPlain() + 1);
  }

  void drop() {
    droppedFrames.lazySet(droppedFrames.getPlain() + 1);
  }

  /** Sends and receives what is due, without waiting. */
  void doWork() {
    media.doWork();
  }

  /** Starts the clock of {@link #idle}. */
  void beginWait() {
    waitStartNs = System.nanoTime();
  }

  /** Adds the wait to the counters. */
  void endWait() {
    waitedNs.lazySet(waitedNs.getPlain() + waitingNs());
  }

  /** Time since {@link #beginWait}. */
  long waitingNs() {
    return System.nanoTime() - waitStartNs;
  }

  /** Something came: counts the wait so far and starts the clock anew. */
  void restartWait() {
    endWait();
    beginWait();
  }

  /**
   * Waits a little, moving frames.
   *
   * @return whether {@code timeoutNs} has passed since {@link #beginWait}
   */
  boolean idle(long timeoutNs) {
    checkFailure();
    long waited = waitingNs();
    if (waited >= timeoutNs) {
      return true;
    }
    if (media.doWork() == 0) {
      Backoff.idle(waited);
    }
    return false;
  }

  /**
   * {@link #idle} for a frame or for room from one peer, which is lost if it takes too long.
   *
   * @param awaited says what for, should that happen
   */
  void idleFor(Link link, Supplier<String> awaited) {
    if (link.isGone()) {
      throw lost(link, "closed its session", awaited.get());
    }
    if (idle(config.roundTimeoutNs())) {
      throw lost(link, "was silent", awaited.get());
    }
  }

  /** Ends the session because of a peer. */
  PeerLostException lost(Link link, String reason, String awaited) {
    long silentNs = System.nanoTime() - link.lastHeardNs();
    PeerLostException cause =
        new PeerLostException(link.peer(), link.lastHeardNs(), silentNs, reason, awaited);
    fail(cause);
    return cause;
  }

  /** Hands {@link #outgoing} and its elements to the driver if there is room. */
  boolean trySend(Link link, float[] values) {
    int lengthBytes = link.trySend(outgoing, values);
    sentBytes.lazySet(sentBytes.getPlain() + lengthBytes);
    return lengthBytes > 0;
  }

  /** Waits until the driver has put everything on the wire: nobody drives it during compute. */
  void flush(Link link) {
    if (link.isFlushed()) {
      return;
    }
    beginWait();
    while (!link.isFlushed()) {
      idleFor(link, ROOM_TO_SEND);
    }
    endWait();
  }

  /**
   * Takes a received frame into {@link #incoming}.
   *
   * @param link whose image it came from; null where nobody has said hello yet
   * @return whether it is well-formed, of this epoch and from whom it claims; otherwise it is
   *     counted as dropped
   */
  boolean accept(@Nullable Link link, DirectBuffer buffer, int offset, int lengthBytes) {
    receivedBytes.lazySet(receivedBytes.getPlain() + lengthBytes);
    incoming.wrap(buffer, offset, lengthBytes);
    if (!incoming.isValid(config.peers().size(), config.maxFloats())
        || incoming.epoch() != config.epoch()
        || (link != null && incoming.rank() != link.peer().rank())) {
      drop();
      return false;
    }
    if (link != null) {
      link.heard();
      if (incoming.kind() == FrameKind.BYE) {
        link.markClosedByPeer();
        return false;
      }
    }
    return true;
  }

  /** The frame taken last stays where it is and will come again. */
  void putBack() {
    receivedBytes.lazySet(receivedBytes.getPlain() - incoming.frameLengthBytes());
  }

  /** Looks at senders that have not said hello. */
  void pollUnbound(UnboundHandler handler) {
    for (int i = 0, n = media.subscription().imageCount(); i < n; i++) {
      Image image = media.subscription().imageAtIndex(i);
      if (!isBound(image)) {
        handler.poll(image);
      }
    }
  }

  /** Drops what senders outside the session send, so that it is counted and not kept. */
  void dropUnbound() {
    pollUnbound(unboundDropper);
  }

  /** Takes an image of a sender that is not bound to a link. */
  interface UnboundHandler {
    void poll(Image image);
  }

  /** Says hello; see {@link FrameFlyweight}. */
  boolean trySendHello(Link link) {
    outgoing
        .subject(FrameKind.HELLO, 0, 0, config.peers().size())
        .part(maxFrameFloats(), 0, config.maxFloats());
    return trySend(link, NO_VALUES);
  }

  /** Ends the session at its next {@link #idle} if a peer's hello shows other limits than ours. */
  void checkHello(PeerAddress peer) {
    if (incoming.offset() != maxFrameFloats()
        || incoming.length() != config.maxFloats()
        || incoming.block() != config.peers().size()) {
      fail(
          new TransportException(
              "%s has another configuration: floatsPerFrame=%d maxFloats=%d worldSize=%d, here %d %d %d"
                  .formatted(
                      peer,
                      incoming.offset(),
                      incoming.length(),
                      incoming.block(),
                      maxFrameFloats(),
                      config.maxFloats(),
                      config.peers().size())));
    }
  }

  /** Says goodbye to all and closes the driver. Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      farewell();
    } finally {
      fail(new TransportException("the session of rank " + config.rank() + " is closed"));
      media.close();
    }
  }

  private void farewell() {
    outgoing.subject(FrameKind.BYE, 0, 0, 0).part(0, 0, 0);
    long deadlineNs = System.nanoTime() + FAREWELL_NS;
    for (Link link : links) {
      if (!link.isReady() || link.isGone()) {
        continue;
      }
      while (!trySend(link, NO_VALUES) && System.nanoTime() - deadlineNs < 0) {
        media.doWork();
      }
      while (!link.isFlushed() && System.nanoTime() - deadlineNs < 0) {
        media.doWork();
      }
    }
  }

  private boolean isBound(Image image) {
    for (Link link : links) {
      if (link.isBoundTo(image)) {
        return true;
      }
    }
    return false;
  }
}
