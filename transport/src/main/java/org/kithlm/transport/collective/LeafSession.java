package org.kithlm.transport.collective;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.BREAK;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemNanoClock;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.TransportCounters;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.media.AeronMedia;
import org.kithlm.transport.media.Media;

/**
 * A rank other than 0 of a session. One thread owns it and makes all calls but {@link #fail} and
 * {@link #counters}, which any thread may make.
 *
 * <p>After a {@link PeerLostException} or a failure from outside every call throws the first cause;
 * close the session and open one of a new epoch.
 */
public final class LeafSession implements AutoCloseable {
  private static final long NO_STEP = -1;
  private static final int NO_TURN = -1;

  private final Session session;
  private final Link root;
  private final Exchange exchange;

  // The step in hand, and the last steps that are over: the root gave them up, or they have ended.
  private long step = NO_STEP;
  private long overFrom = NO_STEP;
  private long overUpTo = NO_STEP;

  // The step that is arriving.
  private final ControlledFragmentHandler stepHandler = this::onStep;
  private float[] hidden = {};
  private long nextStep = NO_STEP;
  private int nextStartPosition;
  private int nextTokenCount;
  private int nextLength;
  private int nextReceived;
  private boolean idling;
  private int turn = NO_TURN; // of measuring the links

  /**
   * Opens the leaf's port and its links. Close it, whatever happens next.
   *
   * @throws TransportException if the port is taken or an address cannot be resolved
   */
  public LeafSession(SessionConfig config) {
    this(requireLeaf(config), new AeronMedia(config), SystemNanoClock.INSTANCE);
  }

  /** The same over other media. */
  LeafSession(SessionConfig config, Media media, NanoClock clock) {
    session = new Session(config, media, clock, this::onAhead);
    root = session.links()[session.linkIndex(0)];
    exchange = new Exchange(session, this::checkStep);
  }

  private static SessionConfig requireLeaf(SessionConfig config) {
    if (config.rank() == 0) {
      throw new IllegalArgumentException("rank=0 is the root, not a leaf");
    }
    return config;
  }

  /**
   * Waits until the peers answer: the root, and in other forms than the star all other leaves.
   *
   * @throws TransportException after the connect timeout, naming the missing ranks, or at once if a
   *     peer has other limits
   */
  public void connect() {
    exchange.connect();
  }

  /**
   * Waits for the next step. An idle leaf is to call this again and again: it also moves frames,
   * and takes part where the root has the links measured, however long that takes.
   *
   * @param target takes the hidden state; at least maxFloats long
   * @param timeoutNs how long to wait for a step to begin
   * @return the step, or null if none began in time
   * @throws PeerLostException if the root closed its session, or fell silent within a step
   * @throws TransportException if a peer fell silent while links were measured
   */
  public @Nullable StepHeader awaitStep(float[] target, long timeoutNs) {
    session.checkFailure();
    if (target.length < session.config().maxFloats()) {
      throw new IllegalArgumentException(
          "target.length=" + target.length + " maxFloats=" + session.config().maxFloats());
    }
    hidden = target;
    overFrom = step;
    overUpTo = Math.max(overUpTo, step);
    if (!idling) { // waiting goes on over several calls, and so does backing off
      idling = true;
      session.beginWait();
    }
    long idleLimitNs = session.waitingNs() + timeoutNs;
    root.poll(stepHandler);
    while (!isStepComplete()) {
      if (turn != NO_TURN) {
        exchange.followSurvey(turn);
        turn = NO_TURN;
        session.beginWait();
        idleLimitNs = timeoutNs;
      }
      session.checkGone(root, () -> "a step");
      boolean begun = nextStep != NO_STEP;
      if (session.idle(begun ? session.config().roundTimeoutNs() : idleLimitNs)) {
        if (begun) {
          throw session.lost(root, "the rest of step " + nextStep);
        }
        session.dropUnbound();
        return null;
      }
      root.poll(stepHandler);
    }
    idling = false;
    step = nextStep;
    nextStep = NO_STEP;
    return new StepHeader(step, nextStartPosition, nextTokenCount, nextLength);
  }

  /**
   * Sums over all ranks, in rank order in f64, rounded as the session's encoding says.
   *
   * @param partial this rank's terms; not changed
   * @param sum takes the sum of each of the first {@code length} elements
   * @param layer layer, from 0
   * @param block block of the layer, from 0
   * @throws StepAbortedException if the root ended the step; the content is undefined then, and
   *     {@link #awaitStep} is next
   * @throws PeerLostException if a peer closed or was silent for the round timeout
   */
  public void allreduce(int layer, int block, double[] partial, float[] sum, int length) {
    session.checkLength(length, Math.min(partial.length, sum.length));
    session.lookAhead();
    checkStep();
    exchange.allreduce(step, layer, block, partial, sum, length);
  }

  /**
   * Collects a vector of which each rank has formed a range alone, rounded as sums are: an
   * allgather.
   *
   * @param partial this rank's terms of its range, at their places, and zeros; not changed
   * @param sum takes the vector
   * @param layer layer, from 0
   * @param block block of the layer, from 0
   * @param ends for each rank where its range ends; it begins where that of the rank before ends.
   *     All but the last end with a block of the encoding
   * @throws StepAbortedException if the step was aborted; the content is undefined then
   * @throws PeerLostException if a peer closed or was silent for the round timeout
   */
  public void allgather(int layer, int block, double[] partial, float[] sum, int[] ends) {
    session.checkEnds(ends, Math.min(partial.length, sum.length));
    session.lookAhead();
    checkStep();
    exchange.allgather(step, layer, block, partial, sum, ends);
  }

  /**
   * Sends this rank's range of a vector of the step to the root, which collects it.
   *
   * @param index of the vector in the step, from 0
   * @param vector has the range
   * @param ends as the root's
   * @throws StepAbortedException if the root ended the step, and {@link #awaitStep} is next
   * @throws PeerLostException if a peer closed, or the root was silent for the round timeout
   */
  public void gather(int index, float[] vector, int[] ends) {
    session.checkRanges(vector, ends);
    session.lookAhead();
    checkStep();
    exchange.gather(step, index, vector, ends);
  }

  /** Ends the session: the owner's current or next call throws {@code cause}. Any thread. */
  public void fail(RuntimeException cause) {
    session.fail(cause);
  }

  /** What was done so far. Any thread. */
  public TransportCounters counters() {
    return session.counters();
  }

  /** Says goodbye to the peers, closes the port and deletes the driver's directory. */
  @Override
  public void close() {
    try (exchange) {
      session.close();
    }
  }

  private void checkStep() {
    if (step >= overFrom && step <= overUpTo) {
      throw new StepAbortedException(step);
    }
  }

  /**
   * The root's word that a step is over may stand behind frames that are not taken yet, and is seen
   * once. It may even be of a later step than the one in hand, whose last sum only this leaf still
   * waits for; the root cannot end steps after that without it.
   */
  private void onAhead(FrameFlyweight frame) {
    if (frame.rank() == 0 && frame.kind() == FrameKind.ABORT && frame.step() > overUpTo) {
      overFrom = overUpTo >= step ? overFrom : frame.step();
      overUpTo = frame.step();
    }
  }

  private Action onStep(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(root, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.kind() == FrameKind.HIDDEN && frame.step() > step) {
      return onHidden(frame);
    }
    if (frame.kind() == FrameKind.TURN && exchange.hasChoice()) {
      turn = frame.block();
      return BREAK; // what follows is part of it
    }
    if (frame.kind() == FrameKind.ABORT) {
      if (frame.step() == nextStep) {
        nextStep = NO_STEP;
      }
    } else {
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
    frame.copyElementsTo(hidden, frame.offset());
    nextReceived += frame.count();
    return isStepComplete() ? BREAK : CONTINUE;
  }

  private boolean isStepComplete() {
    return nextStep != NO_STEP && nextReceived == nextLength;
  }
}
