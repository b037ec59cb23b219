package org.kithlm.transport.collective;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.ABORT;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemNanoClock;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.Collective;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.TransportCounters;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.media.AeronMedia;
import org.kithlm.transport.media.Media;

/**
 * Rank 0 of a session. One thread owns it and makes all calls but {@link #abort}, {@link #fail} and
 * {@link #counters}, which any thread may make.
 *
 * <p>After a {@link PeerLostException} or a failure from outside every call throws the first cause;
 * close the session and open one of a new epoch.
 */
public final class RootSession implements AutoCloseable {
  private static final long NO_STEP = -1;

  private final Session session;
  private final Exchange exchange;
  private final AtomicLong abortedUpTo = new AtomicLong(NO_STEP);
  private long step = NO_STEP;
  private boolean stepEnded;
  private long announcedAbort = NO_STEP;

  private final ControlledFragmentHandler lateHandler = this::onLate;
  private int lateIndex;

  /**
   * Opens the root's port and links. Close it, whatever happens next.
   *
   * @throws TransportException if the port is taken or an address cannot be resolved
   */
  public RootSession(SessionConfig config) {
    this(requireRoot(config), new AeronMedia(config), SystemNanoClock.INSTANCE);
  }

  /** The same over other media. */
  RootSession(SessionConfig config, Media media, NanoClock clock) {
    session = new Session(config, media, clock, frame -> {});
    exchange = new Exchange(session, this::checkAbort);
  }

  private static SessionConfig requireRoot(SessionConfig config) {
    if (config.rank() != 0) {
      throw new IllegalArgumentException("rank=" + config.rank() + ": the root is rank 0");
    }
    return config;
  }

  /**
   * Waits until all leaves are connected.
   *
   * @throws TransportException after the connect timeout, naming the missing ranks, or at once if a
   *     leaf has other limits
   */
  public void connect() {
    exchange.connect();
  }

  /**
   * With {@link Collective#AUTO}, has all ranks measure their links; from then on each sum takes
   * the form that is expected to be the fastest, until then the star. Call it once steps have made
   * the ranks' code warm. It takes about 0.4 s for each leaf. Does nothing where the form is given.
   *
   * @throws TransportException if a leaf is silent for the connect timeout
   * @throws PeerLostException if a leaf closed its session
   */
  public void measureLinks() {
    session.checkFailure();
    announcePendingAbort();
    if (exchange.hasChoice()) {
      exchange.leadSurvey(step + 1);
    }
  }

  /** As {@link #measureLinks}, but at once: goes by what another session has measured. */
  public void tellLinks(LinkCosts known) {
    session.checkFailure();
    announcePendingAbort();
    if (exchange.hasChoice()) {
      exchange.tellCosts(step + 1, known);
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
    session.checkLength(hiddenLength, hidden.length);
    if (newStep < 0 || newStep <= step || startPosition < 0 || tokenCount < 1) {
      throw new IllegalArgumentException(
          "step=%d after %d, startPosition=%d, tokenCount=%d"
              .formatted(newStep, step, startPosition, tokenCount));
    }
    announcePendingAbort(); // a leaf may still wait in the step before for another leaf
    step = newStep;
    stepEnded = false;
    checkAbort();
    exchange.broadcast(step, startPosition, tokenCount, hidden, hiddenLength);
  }

  /**
   * Sums over all ranks, in rank order in f64, rounded as the session's encoding says.
   *
   * @param partial this rank's terms; not changed
   * @param sum takes the sum of each of the first {@code length} elements
   * @param layer layer, from 0
   * @param block block of the layer, from 0
   * @throws StepAbortedException if the step was aborted; the content is undefined then
   * @throws PeerLostException if a leaf closed or was silent for the round timeout
   */
  public void allreduce(int layer, int block, double[] partial, float[] sum, int length) {
    session.checkLength(length, Math.min(partial.length, sum.length));
    checkAbort();
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
   * @throws PeerLostException if a leaf closed or was silent for the round timeout
   */
  public void allgather(int layer, int block, double[] partial, float[] sum, int[] ends) {
    session.checkEnds(ends, Math.min(partial.length, sum.length));
    checkAbort();
    exchange.allgather(step, layer, block, partial, sum, ends);
  }

  /**
   * Collects a vector of the step, of which each leaf has a range.
   *
   * @param index of the vector in the step, from 0
   * @param vector takes the ranges of the leaves
   * @param ends for each rank where its range ends; it begins where that of the rank before ends,
   *     and the root's is empty
   * @throws StepAbortedException if the step was aborted; the content is undefined then
   * @throws PeerLostException if a leaf closed or was silent for the round timeout
   */
  public void gather(int index, float[] vector, int[] ends) {
    session.checkRanges(vector, ends);
    checkAbort();
    exchange.gather(step, index, vector, ends);
  }

  /**
   * Tells that the step has all its sums: an abort comes too late for it. A leaf may still wait for
   * frames of another, and must finish the step as well, since the next one builds on it.
   */
  public void endStep() {
    stepEnded = true;
  }

  /**
   * Keeps an idle root in touch: looks for leaves that closed, empties the socket, tells leaves of
   * an abort and that the root lives (one may still wait for another). Nothing breaks without it,
   * but the first step after a pause then works off what came meanwhile; about once a second is
   * enough.
   *
   * @throws PeerLostException if a leaf closed its session
   */
  public void keepAlive() {
    session.checkFailure();
    session.doWork();
    session.pulse();
    session.dropUnbound();
    for (int i = 0; i < session.links().length; i++) {
      lateIndex = i;
      session.links()[i].poll(lateHandler);
      session.checkGone(session.links()[i], () -> "the next step");
    }
    announcePendingAbort();
  }

  /**
   * Ends all steps up to {@code lastStep} but one that has all its sums: the owner's current or
   * next call for such a step throws {@link StepAbortedException}, and the leaves are told. Any
   * thread.
   */
  public void abort(long lastStep) {
    abortedUpTo.accumulateAndGet(lastStep, Math::max);
  }

  /** Ends the session: the owner's current or next call throws {@code cause}. Any thread. */
  public void fail(RuntimeException cause) {
    session.fail(cause);
  }

  /**
   * What the links cost, as measured by {@link #measureLinks}; null before, and where the form of
   * sums is given. The owning thread.
   */
  public @Nullable LinkCosts costs() {
    return exchange.costs();
  }

  /** The form of sums of {@code length} floats; never AUTO. The owning thread. */
  public Collective formFor(int length) {
    return exchange.formFor(length);
  }

  /**
   * What a sum of {@code length} floats is expected to take in {@code form}; NaN where {@link
   * #costs} is null. The owning thread.
   */
  public double predictedNs(Collective form, int length) {
    return exchange.predictNs(form, length);
  }

  /**
   * Whether a sum of {@code length} floats is expected to leave its ranks' cores idle for three
   * quarters of the time; true where {@link #costs} is null. The owning thread.
   */
  public boolean isMostlyWaiting(int length) {
    return exchange.isMostlyWaiting(length);
  }

  /** What was done so far. Any thread. */
  public TransportCounters counters() {
    return session.counters();
  }

  /** Says goodbye to the leaves, closes the port and deletes the driver's directory. */
  @Override
  public void close() {
    try (exchange) {
      session.close();
    }
  }

  /** Between rounds: only frames of the current step are still of use. */
  private Action onLate(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (session.accept(session.links()[lateIndex], buffer, index, lengthBytes)) {
      FrameKind kind = session.incoming().kind();
      if ((kind == FrameKind.PARTIAL || kind == FrameKind.GATHER)
          && session.incoming().step() == step) {
        session.putBack();
        return ABORT;
      }
      session.drop();
    }
    return CONTINUE;
  }

  private boolean isAbortPending() {
    return !stepEnded && step != NO_STEP && abortedUpTo.get() >= step;
  }

  private void checkAbort() {
    if (isAbortPending()) {
      announcePendingAbort();
      throw new StepAbortedException(step);
    }
  }

  private void announcePendingAbort() {
    if (!isAbortPending() || announcedAbort >= step) {
      return;
    }
    announcedAbort = step;
    for (Link link : session.links()) {
      session.beginWait();
      while (!session.trySendSignal(link, FrameKind.ABORT, step, 0)) {
        session.idleFor(link, Session.ROOM_TO_SEND);
      }
      session.endWait();
    }
    session.flush();
  }
}
