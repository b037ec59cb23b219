package org.kithlm.transport.collective;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.protocol.DataHeaderFlyweight;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.NanoClock;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.TransportCounters;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.frame.FrameSeal;
import org.kithlm.transport.media.FrameReceiver;
import org.kithlm.transport.media.Media;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What root and leaf have in common: links, waiting under a deadline, the first failure, counters.
 * Owned by one thread, except {@link #fail} and {@link #counters}.
 */
final class Session implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Session.class);

  static final Supplier<String> ROOM_TO_SEND = () -> "room to send";

  // A farewell is a courtesy: the peer has other ways to learn.
  private static final long FAREWELL_NS = 20_000_000;

  // How often a waiting rank gives a sign of life.
  private static final int PULSES_PER_TIMEOUT = 8;

  private final SessionConfig config;
  private final Media media;
  private final NanoClock clock;
  private final Backoff backoff;
  private final Link[] links; // an array, as walking it allocates nothing
  private final FrameFlyweight outgoing;
  private final FrameFlyweight incoming = new FrameFlyweight();
  private final FrameFlyweight ahead = new FrameFlyweight();
  private final @Nullable FrameSeal seal;
  private int elementsBytes; // most in a frame now
  private int incomingLengthBytes;
  private String refusal = ""; // why the last frame was refused that was
  private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
  private boolean closed;

  // Written by the owning thread only, read by any.
  private final AtomicLong rounds = new AtomicLong();
  private final AtomicLong sentBytes = new AtomicLong();
  private final AtomicLong receivedBytes = new AtomicLong();
  private final AtomicLong droppedFrames = new AtomicLong();
  private final AtomicLong waitedNs = new AtomicLong();

  /** Reasons that were logged: each is once, as who sends frames must not fill the log. */
  private final Set<String> refusals = new HashSet<>();

  private long waitStartNs;
  private long lastPulseNs;

  // Of frames that have arrived and stay where they are.
  private final Consumer<FrameFlyweight> aheadListener;
  private int seen;
  private final ControlledFragmentHandler seer =
      (buffer, offset, length, header) -> {
        onAhead(links()[seen], buffer, offset, length);
        return ControlledFragmentHandler.Action.CONTINUE;
      };

  private final ControlledFragmentHandler dropAll =
      (buffer, offset, length, header) -> {
        refuse("it came from a sender that is no rank of this plan");
        return ControlledFragmentHandler.Action.CONTINUE;
      };

  private final UnboundHandler unboundDropper =
      receiver -> receiver.poll(dropAll, Integer.MAX_VALUE);

  /**
   * Opens a link to each peer, or to the root alone for a leaf of a star.
   *
   * @param media carries the frames; closed with the session, or here if that cannot open
   * @param clock tells how long waits take
   * @param aheadListener is shown each frame that arrives during a wait, once or more, before it is
   *     that frame's turn; it must not keep the frame
   */
  Session(
      SessionConfig config, Media media, NanoClock clock, Consumer<FrameFlyweight> aheadListener) {
    this.config = config;
    this.media = media;
    this.backoff = new Backoff(media);
    this.clock = clock;
    this.aheadListener = aheadListener;
    lastPulseNs = clock.nanoTime();
    outgoing = FrameFlyweight.allocateHeader(config.epoch(), config.rank());
    seal =
        config.key() == null
            ? null
            : new FrameSeal(
                config.key(),
                config.rank(),
                FrameFlyweight.HEADER_LENGTH_BYTES + elementsBytesMax());
    if (seal != null) {
      seal.warmUp(config.epoch());
    }
    try {
      links =
          config.peers().stream()
              .filter(peer -> linkIndex(peer.rank()) >= 0)
              .map(peer -> new Link(peer, media, clock))
              .toArray(Link[]::new);
    } catch (RuntimeException e) {
      media.close();
      throw e;
    }
  }

  SessionConfig config() {
    return config;
  }

  Link[] links() {
    return links;
  }

  /** Where in {@link #links} a rank is; -1 where there is no link to it. */
  int linkIndex(int rank) {
    int own = config.rank();
    if (rank == own || (config.collective() == Collective.STAR && own != 0 && rank != 0)) {
      return -1;
    }
    return rank < own ? rank : rank - 1;
  }

  /** The header of the next frame to send. */
  FrameFlyweight outgoing() {
    return outgoing;
  }

  /** The frame that {@link #accept} took last. */
  FrameFlyweight incoming() {
    return incoming;
  }

  /** From now on frames are as long as the links bear. */
  void chooseFrameLength() {
    elementsBytes = elementsBytesIn(Math.min(config.datagramLength(), media.frameLengthMax()));
  }

  /** Most bytes of elements in a frame now. */
  int elementsBytes() {
    return elementsBytes;
  }

  /** Most elements of a frame of a partial sum or a sum now. */
  int frameTerms() {
    return config.encoding().mostIn(elementsBytes);
  }

  /** Most bytes of elements in any frame of the session. */
  int elementsBytesMax() {
    return elementsBytesIn(config.datagramLength());
  }

  /** Most elements of any frame of a partial sum or a sum. */
  int frameTermsMax() {
    return config.encoding().mostIn(elementsBytesMax());
  }

  /** Most bytes of elements in a frame that travels whole on every path. */
  int packetElementsBytes() {
    return elementsBytesIn(config.mtuLength());
  }

  private int elementsBytesIn(int datagramLength) {
    int sealBytes = config.key() == null ? 0 : FrameSeal.OVERHEAD_BYTES;
    return datagramLength
        - DataHeaderFlyweight.HEADER_LENGTH
        - sealBytes
        - FrameFlyweight.HEADER_LENGTH_BYTES;
  }

  /** Ends the session: the owner's current or next call throws {@code cause}. Any thread. */
  void fail(RuntimeException cause) {
    failure.compareAndSet(null, cause);
    media.wakeUp();
  }

  /** Throws the first failure, if there was one. */
  void checkFailure() {
    RuntimeException cause = failure.get();
    if (cause != null) {
      throw cause;
    }
  }

  /** Throws unless {@code length} fits both an array of {@code size} and the session. */
  void checkLength(int length, int size) {
    checkFailure();
    if (length < 1 || length > size || length > config.maxFloats()) {
      throw new IllegalArgumentException(
          "length=%d values.length=%d maxFloats=%d".formatted(length, size, config.maxFloats()));
    }
  }

  /** Throws unless {@code ends} are those of a vector of which the root has nothing. */
  void checkRanges(float[] vector, int[] ends) {
    if (ends.length > 0 && ends[0] != 0) {
      throw new IllegalArgumentException("ends[0]=" + ends[0] + ": the root's range is empty");
    }
    checkEnds(ends, vector.length);
  }

  /** Throws unless {@code ends} are those of each rank's range of a vector of the session. */
  void checkEnds(int[] ends, int size) {
    boolean ordered = ends.length == config.peers().size() && ends[0] >= 0;
    for (int rank = 1; ordered && rank < ends.length; rank++) {
      ordered = ends[rank] >= ends[rank - 1];
    }
    if (!ordered) {
      throw new IllegalArgumentException(
          "ends=%s of %d ranks".formatted(Arrays.toString(ends), config.peers().size()));
    }
    checkLength(ends[ends.length - 1], size);
  }

  /** Any thread. */
  TransportCounters counters() {
    return new TransportCounters(
        rounds.get(), sentBytes.get(), receivedBytes.get(), droppedFrames.get(), waitedNs.get());
  }

  /** A sum is there. */
  void endRound() {
    backoff.end();
    rounds.lazySet(rounds.getPlain() + 1);
  }

  void drop() {
    droppedFrames.lazySet(droppedFrames.getPlain() + 1);
  }

  private void refuse(String reason) {
    drop();
    if (refusals.add(reason)) {
      LOG.warn(
          "rank {} dropped a frame: {}; more of these are only counted", config.rank(), reason);
    }
  }

  long nanoTime() {
    return clock.nanoTime();
  }

  /** Gives the core to who else wants it, for a moment. */
  void giveWay() {
    media.giveWay();
  }

  /** Sends and receives what is due, without waiting. */
  void doWork() {
    media.doWork();
  }

  /** A sum begins. */
  void beginRound() {
    backoff.begin();
  }

  /** Starts the clock of {@link #idle}. */
  void beginWait() {
    waitStartNs = clock.nanoTime();
  }

  /** Adds the wait to the counters. */
  void endWait() {
    long waited = waitingNs();
    backoff.ended(waited);
    waitedNs.lazySet(waitedNs.getPlain() + waited);
  }

  /** Time since {@link #beginWait}. */
  long waitingNs() {
    return clock.nanoTime() - waitStartNs;
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
      backoff.idle(waited);
    }
    return false;
  }

  /**
   * {@link #idle} for a frame or for room from one peer. If it takes too long, a peer that has been
   * silent is lost: the one waited for may itself wait for another, and says so now and then.
   *
   * @param awaited says what for, should that happen
   */
  void idleFor(Link link, Supplier<String> awaited) {
    if (isLate(link, awaited, patienceNs(link))) {
      throw lost(Losses.culprit(links, link, config.roundTimeoutNs()), awaited.get());
    }
  }

  /** {@link #idleFor} what a peer owes whoever else is late: if it takes too long, it is lost. */
  void idleForDebtor(Link link, Supplier<String> awaited) {
    if (isLate(link, awaited, config.roundTimeoutNs())) {
      throw lost(link, awaited.get());
    }
  }

  /** Waits a little; whether that has been too long. */
  private boolean isLate(Link link, Supplier<String> awaited, long timeoutNs) {
    checkGone(link, awaited);
    lookAhead();
    pulse();
    return idle(timeoutNs);
  }

  /**
   * How long to wait for a peer or for others that it may wait for. Where all have been heard since
   * half of that, each waits as this rank does, and one of them knows better who is lost: it says
   * so soon.
   */
  private long patienceNs(Link link) {
    long timeoutNs = config.roundTimeoutNs();
    if (waitingNs() < timeoutNs) {
      return timeoutNs;
    }
    return Losses.longestSilent(links, link).silentNs() < timeoutNs / 2 ? 2 * timeoutNs : timeoutNs;
  }

  /** Throws if a peer has closed its session. */
  void checkGone(Link link, Supplier<String> awaited) {
    if (link.isGone()) {
      fail(Losses.gone(config, link, awaited.get()));
      checkFailure();
    }
  }

  /** Ends the session because of a peer that has been silent for too long. */
  PeerLostException lost(Link link, String awaited) {
    PeerLostException cause = Losses.silent(link, awaited);
    fail(cause);
    return cause;
  }

  /** Tells the peers that this rank lives, if it has not done so for a while. */
  void pulse() {
    long now = clock.nanoTime();
    if (now - lastPulseNs < config.roundTimeoutNs() / PULSES_PER_TIMEOUT) {
      return;
    }
    lastPulseNs = now;
    for (Link link : links) {
      if (link.isReady() && !link.isGone()) {
        trySendSignal(link, FrameKind.WAITING, 0, 0);
      }
    }
  }

  /** Shows to the listener what has arrived and waits for its turn. */
  void lookAhead() {
    for (int i = 0; i < links.length; i++) {
      seen = i;
      links[i].lookAhead(seer);
    }
  }

  private void onAhead(Link link, DirectBuffer buffer, int offset, int lengthBytes) {
    if (seal != null && FrameFlyweight.claimsPartOfVector(buffer, offset, lengthBytes)) {
      return; // of no interest, and opening it twice would cost
    }
    if (read(ahead, link, buffer, offset, lengthBytes) == null) {
      return; // it is counted when its turn comes
    }
    link.heard();
    if (ahead.kind() == FrameKind.BYE && ahead.block() != link.peer().rank()) {
      link.markClosedByPeer(ahead.block());
      fail(Losses.gone(config, link, "a frame")); // Aeron would swallow it if it were thrown here
    }
    aheadListener.accept(ahead);
  }

  /** Hands {@link #outgoing} and its elements to the driver if there is room. */
  boolean trySend(Link link, Elements elements) {
    return trySend(link, elements, elements.lengthBytes(outgoing.offset(), outgoing.count()));
  }

  /** {@link #trySend} where the bytes of the elements are known. */
  boolean trySend(Link link, Elements elements, int elementsBytes) {
    int lengthBytes = link.trySend(outgoing, elements, elementsBytes, seal);
    sentBytes.lazySet(sentBytes.getPlain() + lengthBytes);
    return lengthBytes > 0;
  }

  /** Hands a frame without elements to the driver if there is room. */
  boolean trySendSignal(Link link, FrameKind kind, long step, int block) {
    outgoing.subject(kind, step, 0, block).part(0, 0, 0);
    return trySend(link, Elements.NONE);
  }

  /** Waits until the driver has put everything on the wire: nobody drives it during compute. */
  void flush() {
    for (Link link : links) {
      if (link.isFlushed()) {
        continue;
      }
      beginWait();
      while (!link.isFlushed()) {
        idleFor(link, ROOM_TO_SEND);
      }
      endWait();
    }
  }

  /**
   * Takes a received frame into {@link #incoming}.
   *
   * @param link whose image it came from; null where nobody has said hello yet
   * @return whether the caller is to look at it: it is well-formed, of this epoch and from whom it
   *     claims (otherwise it is counted as dropped), and not a sign of life or of farewell
   */
  boolean accept(@Nullable Link link, DirectBuffer buffer, int offset, int lengthBytes) {
    receivedBytes.lazySet(receivedBytes.getPlain() + lengthBytes);
    incomingLengthBytes = lengthBytes;
    Link sender = read(incoming, link, buffer, offset, lengthBytes);
    if (sender == null) {
      refuse(refusal);
      return false;
    }
    if (seal != null) {
      sender.receivedCounter(seal.openedCounter());
    }
    if (link == null) {
      return true;
    }
    link.heard();
    if (incoming.kind() == FrameKind.BYE) {
      link.markClosedByPeer(incoming.block());
      return false;
    }
    return incoming.kind() != FrameKind.WAITING
        && !(incoming.kind() == FrameKind.HELLO && link.isReady()); // said twice, answered twice
  }

  /**
   * Makes {@code frame} show what was received.
   *
   * @return the sender; null if the frame is malformed, of another epoch, of no peer, not from
   *     {@code link}, or is not sealed as it should be or was sealed before one already taken
   */
  private @Nullable Link read(
      FrameFlyweight frame, @Nullable Link link, DirectBuffer buffer, int offset, int lengthBytes) {
    if (seal == null) {
      frame.wrap(buffer, offset, lengthBytes);
    } else if (seal.open(buffer, offset, lengthBytes)) {
      frame.wrap(seal.openedFrame(), 0, seal.openedLengthBytes());
    } else {
      refusal = "it is not sealed with the key of this plan";
      return null;
    }
    if (!frame.isValid(config.peers().size(), config.maxFloats(), config.encoding())
        || frame.epoch() != config.epoch()
        || linkIndex(frame.rank()) < 0) {
      refusal = "it is malformed, of another plan, or of no rank that sends to this one";
      return null;
    }
    Link sender = links[linkIndex(frame.rank())];
    if (seal != null && seal.openedCounter() <= sender.receivedCounter()) {
      refusal = "it was sent before";
      return null;
    }
    if (link != null && link != sender) {
      refusal = "it claims to be of another rank than its sender is";
      return null;
    }
    return sender;
  }

  /** The frame taken last stays where it is and will come again. */
  void putBack() {
    receivedBytes.lazySet(receivedBytes.getPlain() - incomingLengthBytes);
    if (seal != null) {
      links[linkIndex(incoming.rank())].receivedCounter(seal.openedCounter() - 1);
    }
  }

  /** Looks at senders that have not said hello. */
  void pollUnbound(UnboundHandler handler) {
    for (int i = 0, n = media.receiverCount(); i < n; i++) {
      FrameReceiver receiver = media.receiver(i);
      if (!isBound(receiver)) {
        handler.poll(receiver);
      }
    }
  }

  /** Drops what senders outside the session send, so that it is counted and not kept. */
  void dropUnbound() {
    pollUnbound(unboundDropper);
  }

  /** Takes what a sender says that is not bound to a link. */
  interface UnboundHandler {
    void poll(FrameReceiver receiver);
  }

  /** Says goodbye to all and closes the media. Idempotent. */
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
    int culprit = failure.get() instanceof PeerLostException e ? e.peer().rank() : config.rank();
    long deadlineNs = clock.nanoTime() + FAREWELL_NS;
    for (Link link : links) {
      if (!link.isReady() || link.isGone()) {
        continue;
      }
      while (!trySendSignal(link, FrameKind.BYE, 0, culprit) && clock.nanoTime() - deadlineNs < 0) {
        media.doWork();
      }
      while (!link.isFlushed() && clock.nanoTime() - deadlineNs < 0) {
        media.doWork();
      }
    }
  }

  private boolean isBound(FrameReceiver receiver) {
    for (Link link : links) {
      if (link.isBoundTo(receiver)) {
        return true;
      }
    }
    return false;
  }
}
