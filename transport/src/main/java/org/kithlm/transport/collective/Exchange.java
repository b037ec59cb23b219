package org.kithlm.transport.collective;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.ABORT;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.BREAK;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.Collective;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/**
 * What every form of a collective is made of: sending ranges of the vector to peers, adding the
 * ranks' partial sums in rank order, taking sums that a peer has formed. Owned by the session's
 * thread.
 *
 * <p>A vector goes frame by frame, through buffers of one frame. Sending never waits: each wait for
 * a peer's frame also hands on what is left to send. So a rank waits only for frames that another
 * will send whatever happens to the rest, and no cycle of waits can form.
 */
final class Exchange {
  private final Session session;
  private final Boundary boundary;
  private final Map<Collective, Form> forms = new EnumMap<>(Collective.class);
  private @Nullable CollectiveChooser chooser;
  private @Nullable LinkCosts costs;
  private final Round round = new Round();
  private final Outbox[] outboxes; // as session.links()
  private final float[] frameSum;

  // What a poll looks for.
  private final ControlledFragmentHandler partialHandler = this::onPartial;
  private final ControlledFragmentHandler sumHandler = this::onSum;
  private final Supplier<String> awaitedPartial = this::describePartial;
  private final Supplier<String> awaitedSum = this::describeSum;
  private int polled;
  private int first;
  private int count;
  private boolean isFirstTerm;
  private boolean taken;

  // The sums awaited of each peer, as session.links().
  private final int[] sumNext;
  private final int[] sumEnd;

  /** Where a wait may end early. */
  interface Boundary {
    /** Throws if the step is over. */
    void check();
  }

  /** Exchanges frames over the links of {@code session}. */
  Exchange(Session session, Boundary boundary) {
    this.session = session;
    this.boundary = boundary;
    for (Collective form : List.of(Collective.STAR, Collective.DIRECT, Collective.TWO_SHOT)) {
      forms.put(form, Form.of(form));
    }
    outboxes = Arrays.stream(session.links()).map(Outbox::new).toArray(Outbox[]::new);
    frameSum = new float[session.maxFrameFloats()];
    sumNext = new int[outboxes.length];
    sumEnd = new int[outboxes.length];
  }

  /** Connects all links. */
  void connect() {
    new Handshake(session).run();
  }

  /** Whether the form of sums depends on what the links cost. */
  boolean hasChoice() {
    return session.config().collective() == Collective.AUTO && outboxes.length > 0;
  }

  /** The root's part in measuring the links before a step. */
  void leadSurvey(long step) {
    chooseBy(new Survey(session).lead(step));
  }

  /** A leaf's part in measuring the links. */
  void followSurvey(int firstTurn) {
    chooseBy(new Survey(session).follow(firstTurn));
  }

  private void chooseBy(LinkCosts measured) {
    costs = measured;
    chooser = new CollectiveChooser(measured, worldSize(), session.maxFrameFloats());
  }

  /** What the links cost; null where that was not measured, or not yet. */
  @Nullable LinkCosts costs() {
    return costs;
  }

  /** The form of sums of {@code length} floats, the same on all ranks. */
  Collective formFor(int length) {
    Collective configured = session.config().collective();
    if (configured != Collective.AUTO) {
      return configured;
    }
    return chooser == null ? Collective.STAR : chooser.choose(length);
  }

  /** What a sum is expected to take in a form; NaN where the links were not measured. */
  double predictNs(Collective form, int length) {
    return chooser == null ? Double.NaN : chooser.predictNs(form, length);
  }

  /** Replaces {@code values[0, length)} by the sum over all ranks. */
  void allreduce(long step, int layer, int block, float[] values, int length) {
    begin(step, layer, block, values, length);
    Objects.requireNonNull(forms.get(formFor(length))).sum(this);
    finish();
    session.countRound();
  }

  /** Sends the state that a step starts from to all. */
  void broadcast(long step, int startPosition, int tokenCount, float[] hidden, int length) {
    begin(step, startPosition, tokenCount, hidden, length);
    for (Outbox outbox : outboxes) {
      outbox.begin(FrameKind.HIDDEN, 0, length);
    }
    finish();
  }

  /** The round in hand. */
  Round round() {
    return round;
  }

  int ownRank() {
    return session.config().rank();
  }

  int worldSize() {
    return session.config().peers().size();
  }

  /** Elements of a frame that starts at {@code start} of a range that ends at {@code end}. */
  int frameFloats(int start, int end) {
    return Math.min(session.maxFrameFloats(), end - start);
  }

  /** Sends a range of the own partial sum. */
  void sendPartial(int rank, int start, int end) {
    outboxes[session.linkIndex(rank)].begin(FrameKind.PARTIAL, start, end);
  }

  /** Sends a range of the sum to all, after what is left to send. */
  void sendSum(int start, int end) {
    for (Outbox outbox : outboxes) {
      outbox.addSum(start, end);
    }
    pump();
    session.doWork();
  }

  /** Waits until the own partial sum is sent to all up to {@code end}. */
  void awaitSent(int end) {
    for (Outbox outbox : outboxes) {
      if (outbox.sentEnd() >= end) {
        continue;
      }
      session.beginWait();
      while (outbox.sentEnd() < end) {
        if (!pump()) {
          waitFor(outbox.link(), Session.ROOM_TO_SEND);
        }
      }
      session.endWait();
      session.doWork();
    }
  }

  /**
   * Adds one frame of all ranks, in rank order, into the vector.
   *
   * @param start its first element
   * @param floats its elements, at most those of a frame
   */
  void sumFrame(int start, int floats) {
    first = start;
    count = floats;
    for (int rank = 0; rank < worldSize(); rank++) {
      isFirstTerm = rank == 0;
      if (rank == ownRank()) {
        addOwn();
      } else {
        addPartialOf(session.linkIndex(rank));
      }
    }
    System.arraycopy(frameSum, 0, round.values(), first, count);
  }

  /** Will take the sum of a range from a peer. */
  void expectSum(int rank, int start, int end) {
    int index = session.linkIndex(rank);
    sumNext[index] = start;
    sumEnd[index] = end;
  }

  /** Takes the sums that were announced, in the order they come. */
  void takeSums() {
    session.beginWait();
    while (true) {
      boolean progress = pump();
      int missing = -1;
      for (int i = outboxes.length - 1; i >= 0; i--) {
        int before = sumNext[i];
        if (before < sumEnd[i]) {
          polled = i;
          outboxes[i].link().poll(sumHandler);
          progress |= sumNext[i] > before;
          missing = sumNext[i] < sumEnd[i] ? i : missing;
        }
      }
      if (missing < 0) {
        break;
      }
      if (progress) {
        session.doWork();
        session.restartWait();
      } else {
        waitFor(outboxes[missing].link(), awaitedSum);
      }
    }
    session.endWait();
  }

  private void begin(long step, int layer, int block, float[] values, int length) {
    round.set(step, layer, block, values, length);
    for (int i = 0; i < outboxes.length; i++) {
      outboxes[i].begin(FrameKind.PARTIAL, 0, 0);
      sumNext[i] = 0;
      sumEnd[i] = 0;
    }
  }

  /** Puts the rest on the wire: nobody drives the driver during compute. */
  private void finish() {
    for (Outbox outbox : outboxes) {
      while (!outbox.isEmpty()) {
        if (pump()) {
          session.doWork();
          session.beginWait();
        } else {
          waitFor(outbox.link(), Session.ROOM_TO_SEND);
        }
      }
    }
    session.flush();
  }

  /** Hands all to the driver that there is room for. Returns whether it was anything. */
  private boolean pump() {
    boolean sent = false;
    for (Outbox outbox : outboxes) {
      while (outbox.trySend(session, round)) {
        sent = true;
      }
    }
    return sent;
  }

  private void waitFor(Link link, Supplier<String> awaited) {
    boundary.check();
    session.idleFor(link, awaited);
  }

  private void addOwn() {
    float[] values = round.values();
    if (isFirstTerm) {
      System.arraycopy(values, first, frameSum, 0, count);
      return;
    }
    for (int i = 0; i < count; i++) {
      frameSum[i] += values[first + i];
    }
  }

  private void addPartialOf(int index) {
    Link link = session.links()[index];
    polled = index;
    taken = false;
    link.poll(partialHandler);
    if (taken) {
      return;
    }
    session.beginWait();
    while (!taken) {
      pump();
      waitFor(link, awaitedPartial);
      link.poll(partialHandler);
    }
    session.endWait();
  }

  private Action onPartial(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(session.links()[polled], buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.kind() != FrameKind.PARTIAL
        || !isOfRound(frame)
        || frame.offset() != first
        || frame.count() != count) {
      return leaveOrDrop(frame);
    }
    if (isFirstTerm) {
      frame.copyElementsTo(frameSum, 0);
    } else {
      frame.addElementsTo(frameSum, 0);
    }
    taken = true;
    return BREAK; // what follows belongs to the next frame's sum
  }

  private Action onSum(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(session.links()[polled], buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    int end = frame.offset() + frame.count();
    if (frame.kind() != FrameKind.SUM
        || !isOfRound(frame)
        || frame.offset() != sumNext[polled]
        || end > sumEnd[polled]
        || end > outboxes[polled].sentEnd()) { // never over elements that are still to be sent
      return leaveOrDrop(frame);
    }
    frame.copyElementsTo(round.values(), frame.offset());
    sumNext[polled] = end;
    return end == sumEnd[polled] ? BREAK : CONTINUE;
  }

  private String describePartial() {
    return "a partial sum of " + round.describe();
  }

  private String describeSum() {
    return "the sum of " + round.describe();
  }

  private boolean isOfRound(FrameFlyweight frame) {
    return frame.step() == round.step()
        && frame.layer() == round.layer()
        && frame.block() == round.block()
        && frame.length() == round.length();
  }

  /** A leaf can be behind: an abort, or a later step, stays in place for {@link LeafSession}. */
  private Action leaveOrDrop(FrameFlyweight frame) {
    if (ownRank() != 0
        && (frame.step() > round.step()
            || (frame.kind() == FrameKind.ABORT && frame.step() == round.step()))) {
      session.putBack();
      return ABORT;
    }
    session.drop();
    return CONTINUE;
  }
}
