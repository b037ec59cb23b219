package org.kithlm.transport.star;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.ABORT;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.BREAK;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.Image;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.StarConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.TransportCounters;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/**
 * Rank 0 of a star. One thread owns it and makes all calls but {@link #abort}, {@link #fail} and
 * {@link #counters}, which any thread may make.
 *
 * <p>Sums go frame by frame: a frame's elements are added straight from the receive buffers of
 * ranks 1, 2, ... to the root's own, and sent back to all before the next frame is looked at.
 * Leaves send ahead meanwhile, as far as flow control lets them. So a vector of any length needs no
 * buffer of its own and the order of additions is fixed.
 *
 * <p>After a {@link PeerLostException} or a failure from outside every call throws the first cause;
 * close the session and open one of a new epoch.
 */
public final class StarRoot implements AutoCloseable {
  private static final long NO_STEP = -1;

  private final StarSession session;
  private final AtomicLong abortedUpTo = new AtomicLong(NO_STEP);
  private long step = NO_STEP;
  private long announcedAbort = NO_STEP;

  // What allreduce waits for, and where it goes.
  private final ControlledFragmentHandler partialHandler = this::onPartial;
  private final ControlledFragmentHandler lateHandler = this::onLate;
  private final Supplier<String> awaitedPartial = this::describePartial;
  private @Nullable Link partialLink;
  private float[] sum = StarSession.NO_VALUES;
  private int layer;
  private int block;
  private int offset;
  private int count;
  private int length;
  private boolean added;

  private @Nullable Image greetingImage;
  private final ControlledFragmentHandler greetingHandler = this::onGreeting;
  private final StarSession.UnboundHandler greeter = this::greet;

  /**
   * Opens the root's port and links. Close it, whatever happens next.
   *
   * @throws TransportException if the port is taken or an address cannot be resolved
   */
  public StarRoot(StarConfig config) {
    if (config.rank() != 0) {
      throw new IllegalArgumentException("rank=" + config.rank() + ": the root is rank 0");
    }
    session = new StarSession(config, config.peers().subList(1, config.peers().size()));
  }

  /**
   * Waits until all leaves are connected.
   *
   * @throws TransportException after the connect timeout, naming the missing ranks, or at once if a
   *     leaf has other limits
   */
  public void connect() {
    session.checkFailure();
    session.beginWait();
    while (!allReady()) {
      session.pollUnbound(greeter);
      for (Link link : session.links()) {
        greetingImage = null;
        link.poll(greetingHandler);
      }
      if (session.idle(session.config().connectTimeoutNs())) {
        TransportException cause = new TransportException("not connected in time: " + missing());
        session.fail(cause);
        throw cause;
      }
    }
  }

  /**
   * Broadcasts the hidden state that a step starts from.
   *
   * @param newStep larger than any step before
   * @param startPosition position of the first token
   * @param tokenCount tokens in the step, at least 1
   * @param hidden the state; not changed
   * @param hiddenLength its floats
   * @throws StepAbortedException if {@code abort(newStep)} came first
   * @throws PeerLostException if a leaf does not take it in time
   */
  public void beginStep(
      long newStep, int startPosition, int tokenCount, float[] hidden, int hiddenLength) {
    session.checkLength(hidden, hiddenLength);
    if (newStep < 0 || newStep <= step || startPosition < 0 || tokenCount < 1) {
      throw new IllegalArgumentException(
          "step=%d after %d, startPosition=%d, tokenCount=%d"
              .formatted(newStep, step, startPosition, tokenCount));
    }
    step = newStep;
    checkAbort();
    int frameFloats = session.maxFrameFloats();
    for (int first = 0; first < hiddenLength; first += frameFloats) {
      session
          .outgoing()
          .subject(FrameKind.HIDDEN, step, startPosition, tokenCount)
          .part(first, Math.min(frameFloats, hiddenLength - first), hiddenLength);
      broadcast(hidden);
      session.doWork();
    }
    flush();
  }

  /**
   * Replaces {@code values[0, vectorLength)} by the sum over all ranks, added in rank order.
   *
   * @param atLayer layer, from 0
   * @param atBlock block of the layer, from 0
   * @throws StepAbortedException if the step was aborted; the content is undefined then
   * @throws PeerLostException if a leaf closed or was silent for the round timeout
   */
  public void allreduce(int atLayer, int atBlock, float[] values, int vectorLength) {
    session.checkLength(values, vectorLength);
    checkAbort();
    sum = values;
    layer = atLayer;
    block = atBlock;
    length = vectorLength;
    int frameFloats = session.maxFrameFloats();
    for (int first = 0; first < vectorLength; first += frameFloats) {
      offset = first;
      count = Math.min(frameFloats, vectorLength - first);
      for (Link link : session.links()) {
        addPartial(link);
      }
      session.outgoing().subject(FrameKind.SUM, step, layer, block).part(offset, count, length);
      broadcast(values);
      session.doWork();
    }
    flush();
    session.countRound();
  }

  /**
   * Keeps an idle root in touch: looks for leaves that closed, empties the socket, tells leaves of
   * an abort. Nothing breaks without it, but the first step after a pause then works off what came
   * meanwhile; about once a second is enough.
   *
   * @throws PeerLostException if a leaf closed its session
   */
  public void keepAlive() {
    session.checkFailure();
    session.doWork();
    session.dropUnbound();
    for (Link link : session.links()) {
      partialLink = link;
      link.poll(lateHandler);
      if (link.isGone()) {
        throw session.lost(link, "closed its session", "the next step");
      }
    }
    if (isAbortPending() && announcedAbort < step) {
      announceAbort();
    }
  }

  /**
   * Ends all steps up to {@code lastStep}: the owner's current or next call for such a step throws
   * {@link StepAbortedException}, and the leaves are told. Any thread.
   */
  public void abort(long lastStep) {
    abortedUpTo.accumulateAndGet(lastStep, Math::max);
  }

  /** Ends the session: the owner's current or next call throws {@code cause}. Any thread. */
  public void fail(RuntimeException cause) {
    session.fail(cause);
  }

  /** What was done so far. Any thread. */
  public TransportCounters counters() {
    return session.counters();
  }

  /** Says goodbye to the leaves, closes the port and deletes the driver's directory. */
  @Override
  public void close() {
    session.close();
  }

  private void addPartial(Link link) {
    partialLink = link;
    added = false;
    link.poll(partialHandler);
    if (added) {
      return;
    }
    session.beginWait();
    while (!added) {
      checkAbort();
      session.idleFor(link, awaitedPartial);
      link.poll(partialHandler);
    }
    session.endWait();
  }

  private Action onPartial(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(partialLink, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.kind() == FrameKind.PARTIAL
        && frame.step() == step
        && frame.layer() == layer
        && frame.block() == block
        && frame.offset() == offset
        && frame.count() == count
        && frame.length() == length) {
      frame.addElementsTo(sum);
      added = true;
      return BREAK; // what follows belongs to the next frame's sum
    }
    session.drop();
    return CONTINUE;
  }

  /** Between rounds: only frames of the current step are still of use. */
  private Action onLate(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (session.accept(partialLink, buffer, index, lengthBytes)) {
      if (session.incoming().kind() == FrameKind.PARTIAL && session.incoming().step() == step) {
        session.putBack();
        return ABORT;
      }
      session.drop();
    }
    return CONTINUE;
  }

  private void broadcast(float[] values) {
    for (Link link : session.links()) {
      if (session.trySend(link, values)) {
        continue;
      }
      session.beginWait();
      do {
        checkAbort();
        session.idleFor(link, StarSession.ROOM_TO_SEND);
      } while (!session.trySend(link, values));
      session.endWait();
    }
  }

  private void flush() {
    for (Link link : session.links()) {
      session.flush(link);
    }
  }

  private boolean isAbortPending() {
    return abortedUpTo.get() >= step && step != NO_STEP;
  }

  private void checkAbort() {
    if (isAbortPending()) {
      if (announcedAbort < step) {
        announceAbort();
      }
      throw new StepAbortedException(step);
    }
  }

  private void announceAbort() {
    announcedAbort = step;
    session.outgoing().subject(FrameKind.ABORT, step, 0, 0).part(0, 0, 0);
    for (Link link : session.links()) {
      session.beginWait();
      while (!session.trySend(link, StarSession.NO_VALUES)) {
        session.idleFor(link, StarSession.ROOM_TO_SEND);
      }
      session.endWait();
    }
    flush();
  }

  private void greet(Image image) {
    greetingImage = image;
    image.controlledPoll(greetingHandler, 1);
  }

  private Action onGreeting(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(null, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.rank() == 0) {
      session.drop();
      return CONTINUE;
    }
    Link link = session.links()[frame.rank() - 1];
    link.heard();
    if (frame.kind() == FrameKind.HELLO) {
      session.checkHello(link.peer());
      if (greetingImage != null) {
        link.bind(greetingImage);
      }
      session.trySendHello(link); // where there is no room the leaf says hello again
    } else if (frame.kind() == FrameKind.READY && link.isBound()) {
      link.markReady();
    } else {
      session.drop();
    }
    return BREAK; // the image may be bound now: go on with its own link
  }

  private boolean allReady() {
    for (Link link : session.links()) {
      if (!link.isReady()) {
        return false;
      }
    }
    return true;
  }

  private String missing() {
    return Arrays.stream(session.links())
        .filter(link -> !link.isReady())
        .map(link -> link.peer().toString())
        .collect(Collectors.joining(", "));
  }

  private String describePartial() {
    return "a partial sum of step " + step + " layer " + layer + " block " + block;
  }
}
