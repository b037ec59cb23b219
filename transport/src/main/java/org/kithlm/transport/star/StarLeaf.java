package org.kithlm.transport.star;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.ABORT;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.BREAK;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.Image;
import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.StarConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.TransportCounters;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/**
 * A rank other than 0 of a star. One thread owns it and makes all calls but {@link #fail} and
 * {@link #counters}, which any thread may make.
 *
 * <p>After a {@link PeerLostException} or a failure from outside every call throws the first cause;
 * close the session and open one of a new epoch.
 */
public final class StarLeaf implements AutoCloseable {
  private static final long NO_STEP = -1;
  private static final long HELLO_INTERVAL_NS = 50_000_000;

  private final StarSession session;
  private final Link root;

  // The step in hand, and whether the root has ended it.
  private long step = NO_STEP;
  private boolean stepOver = true;

  // The step that is arriving.
  private final ControlledFragmentHandler stepHandler = this::onStep;
  private float[] hidden = StarSession.NO_VALUES;
  private long nextStep = NO_STEP;
  private int nextStartPosition;
  private int nextTokenCount;
  private int nextLength;
  private int nextReceived;
  private boolean idling;

  // The sum that is arriving.
  private final ControlledFragmentHandler sumHandler = this::onSum;
  private final Supplier<String> awaitedSum = this::describeSum;
  private float[] sum = StarSession.NO_VALUES;
  private int layer;
  private int block;
  private int length;
  private int sent;
  private int received;

  private @Nullable Image greetingImage;
  private final ControlledFragmentHandler greetingHandler = this::onGreeting;
  private final StarSession.UnboundHandler greeter = this::greet;

  /**
   * Opens the leaf's port and its link to the root. Close it, whatever happens next.
   *
   * @throws TransportException if the port is taken or the root's address cannot be resolved
   */
  public StarLeaf(StarConfig config) {
    if (config.rank() == 0) {
      throw new IllegalArgumentException("rank=0 is the root, not a leaf");
    }
    session = new StarSession(config, config.peers().subList(0, 1));
    root = session.links()[0];
  }

  /**
   * Waits until the root answers.
   *
   * @throws TransportException after the connect timeout, naming the root, or at once if it has
   *     other limits
   */
  public void connect() {
    session.checkFailure();
    session.beginWait();
    long connectTimeoutNs = session.config().connectTimeoutNs();
    long lastHelloNs = System.nanoTime() - HELLO_INTERVAL_NS;
    while (!root.isBound()) {
      if (System.nanoTime() - lastHelloNs >= HELLO_INTERVAL_NS) {
        session.trySendHello(root);
        lastHelloNs = System.nanoTime();
      }
      session.pollUnbound(greeter);
      idleConnecting(connectTimeoutNs);
    }
    session.outgoing().subject(FrameKind.READY, 0, 0, 0).part(0, 0, 0);
    while (!session.trySend(root, StarSession.NO_VALUES)) {
      idleConnecting(connectTimeoutNs);
    }
    while (!root.isFlushed()) {
      idleConnecting(connectTimeoutNs);
    }
    root.markReady();
  }

  /**
   * Waits for the next step. An idle leaf is to call this again and again: it also moves frames.
   *
   * @param target takes the hidden state; at least maxFloats long
   * @param timeoutNs how long to wait for a step to begin
   * @return the step, or null if none began in time
   * @throws PeerLostException if the root closed its session, or fell silent within a step
   */
  public @Nullable StepHeader awaitStep(float[] target, long timeoutNs) {
    session.checkFailure();
    if (target.length < session.config().maxFloats()) {
      throw new IllegalArgumentException(
          "target.length=" + target.length + " maxFloats=" + session.config().maxFloats());
    }
    hidden = target;
    stepOver = true;
    if (!idling) { // waiting goes on over several calls, and so does backing off
      idling = true;
      session.beginWait();
    }
    long idleLimitNs = session.waitingNs() + timeoutNs;
    root.poll(stepHandler);
    while (!isStepComplete()) {
      if (root.isGone()) {
        throw session.lost(root, "closed its session", "a step");
      }
      boolean begun = nextStep != NO_STEP;
      if (session.idle(begun ? session.config().roundTimeoutNs() : idleLimitNs)) {
        if (begun) {
          throw session.lost(root, "was silent", "the rest of step " + nextStep);
        }
        session.dropUnbound();
        return null;
      }
      root.poll(stepHandler);
    }
    idling = false;
    stepOver = false;
    step = nextStep;
    nextStep = NO_STEP;
    return new StepHeader(step, nextStartPosition, nextTokenCount, nextLength);
  }

  /**
   * Replaces {@code values[0, vectorLength)} by the sum over all ranks, added in rank order.
   *
   * @param atLayer layer, from 0
   * @param atBlock block of the layer, from 0
   * @throws StepAbortedException if the root ended the step; the content is undefined then, and
   *     {@link #awaitStep} is next
   * @throws PeerLostException if the root closed or was silent for the round timeout
   */
  public void allreduce(int atLayer, int atBlock, float[] values, int vectorLength) {
    session.checkLength(values, vectorLength);
    checkStep();
    sum = values;
    layer = atLayer;
    block = atBlock;
    length = vectorLength;
    sent = 0;
    received = 0;
    prepareNextFrame();
    session.beginWait();
    while (received < vectorLength) {
      int before = sent + received;
      sendNextFrame();
      root.poll(sumHandler);
      checkStep();
      if (sent + received == before) {
        session.idleFor(root, awaitedSum);
      } else {
        session.doWork();
        session.restartWait();
      }
    }
    session.endWait();
    session.countRound();
  }

  /** Ends the session: the owner's current or next call throws {@code cause}. Any thread. */
  public void fail(RuntimeException cause) {
    session.fail(cause);
  }

  /** What was done so far. Any thread. */
  public TransportCounters counters() {
    return session.counters();
  }

  /** Says goodbye to the root, closes the port and deletes the driver's directory. */
  @Override
  public void close() {
    session.close();
  }

  private void checkStep() {
    if (stepOver) {
      throw new StepAbortedException(step);
    }
  }

  private void prepareNextFrame() {
    int count = Math.min(session.maxFrameFloats(), length - sent);
    session.outgoing().subject(FrameKind.PARTIAL, step, layer, block).part(sent, count, length);
  }

  private void sendNextFrame() {
    if (sent < length && session.trySend(root, sum)) {
      sent += session.outgoing().count();
      if (sent < length) {
        prepareNextFrame();
      }
    }
  }

  private Action onSum(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(root, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.kind() == FrameKind.SUM
        && frame.step() == step
        && frame.layer() == layer
        && frame.block() == block
        && frame.length() == length
        && frame.offset() == received
        && frame.count() <= sent - received) { // never over elements that are still to be sent
      frame.copyElementsTo(sum);
      received += frame.count();
      return received == length ? BREAK : CONTINUE;
    }
    if (frame.kind() == FrameKind.ABORT && frame.step() == step) {
      stepOver = true;
      return BREAK;
    }
    if (frame.kind() == FrameKind.HIDDEN && frame.step() > step) {
      stepOver = true; // the root has moved on; leave the frame to awaitStep
      session.putBack();
      return ABORT;
    }
    session.drop();
    return CONTINUE;
  }

  private Action onStep(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(root, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.kind() == FrameKind.HIDDEN && frame.step() > step) {
      return onHidden(frame);
    }
    if (frame.kind() == FrameKind.ABORT) {
      if (frame.step() == nextStep) {
        nextStep = NO_STEP;
      }
    } else if (frame.kind() != FrameKind.HELLO) {
      session.drop();
    }
    return CONTINUE;
  }

  private Action onHidden(FrameFlyweight frame) {
    if (frame.offset() == 0) {
      nextStep = frame.step();
      nextStartPosition = frame.layer();
      nextTokenCount = frame.block();
      nextLength = frame.length();
      nextReceived = 0;
      session.beginWait(); // from here on the round timeout counts
    }
    if (frame.step() != nextStep
        || frame.offset() != nextReceived
        || frame.length() != nextLength) {
      session.drop();
      return CONTINUE;
    }
    frame.copyElementsTo(hidden);
    nextReceived += frame.count();
    return isStepComplete() ? BREAK : CONTINUE;
  }

  private String describeSum() {
    return "the sum of step " + step + " layer " + layer + " block " + block;
  }

  private boolean isStepComplete() {
    return nextStep != NO_STEP && nextReceived == nextLength;
  }

  private void idleConnecting(long connectTimeoutNs) {
    if (session.idle(connectTimeoutNs)) {
      TransportException cause = new TransportException("not connected in time: " + root.peer());
      session.fail(cause);
      throw cause;
    }
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
    if (frame.kind() == FrameKind.HELLO && frame.rank() == 0 && greetingImage != null) {
      root.heard();
      session.checkHello(root.peer());
      root.bind(greetingImage);
    } else {
      session.drop();
    }
    return BREAK;
  }
}
