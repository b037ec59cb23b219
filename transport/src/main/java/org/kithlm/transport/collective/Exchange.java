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
import org.kithlm.transport.SumEncoding;
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
final class Exchange implements AutoCloseable {
  // Longer than a rank takes between two sums of a decode step, where ranks share cores.
  private static final long YIELD_NS = 300_000;

  private final Session session;
  private final Boundary boundary;
  private final Map<Collective, Form> forms = new EnumMap<>(Collective.class);
  private @Nullable CollectiveChooser chooser;
  private @Nullable LinkCosts costs;
  private @Nullable SharedSlots slots;
  private final Round round;
  private final Outbox[] outboxes; // as session.links()
  private final Inbox[] inboxes; // as session.links()
  private final double[] frameSum;

  // What a poll looks for.
  private final ControlledFragmentHandler partialHandler = this::onPartial;
  private final ControlledFragmentHandler sumHandler = this::onSum;
  private final ControlledFragmentHandler gatherHandler = this::onGather;
  private final ControlledFragmentHandler dropHandler = this::onOther;
  private final Supplier<String> awaitedPartial = this::describePartial;
  private final Supplier<String> awaitedSum = this::describeSum;
  private final Supplier<String> awaitedRange = this::describeRange;
  private int polled;
  private int first; // of what is being added
  private int end;

  // What of the vector each peer owes, as session.links().
  private final int[] owedNext;
  private final int[] owedEnd;

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
    round = new Round(encoding(), session.elementsBytesMax(), session.frameTermsMax());
    inboxes = new Inbox[outboxes.length];
    Arrays.setAll(inboxes, i -> new Inbox(session.frameTermsMax()));
    frameSum = new double[session.frameTermsMax()];
    owedNext = new int[outboxes.length];
    owedEnd = new int[outboxes.length];
  }

  /** Connects all links. */
  void connect() {
    if (session.config().collective() == Collective.SHARED_MEMORY) {
      connectMemory();
    } else {
      new Handshake(session).run();
    }
  }

  /** The root answers only when the memory is there. */
  private void connectMemory() {
    if (ownRank() == 0) {
      slots = SharedSlots.create(session.config());
    }
    new Handshake(session).run();
    if (slots == null) {
      slots = SharedSlots.open(session.config());
    }
    forms.put(Collective.SHARED_MEMORY, new SharedMemory(slots));
  }

  /** Whether the form of sums depends on what the links cost. */
  boolean hasChoice() {
    return session.config().collective() == Collective.AUTO && outboxes.length > 0;
  }

  /** The root's part in measuring the links before a step. */
  void leadSurvey(long step) {
    chooseBy(new Survey(session).lead(step));
  }

  /** The root's part where what the links cost is known. */
  void tellCosts(long step, LinkCosts known) {
    new Survey(session).tell(step, known);
    chooseBy(known);
  }

  /** A leaf's part in measuring the links. */
  void followSurvey(int firstTurn) {
    chooseBy(new Survey(session).follow(firstTurn));
  }

  private void chooseBy(LinkCosts measured) {
    costs = measured;
    chooser =
        new CollectiveChooser(
            measured, worldSize(), session.packetElementsBytes(), session.config().encoding());
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

  /** Whether a sum waits for links more than it works; true where they were not measured. */
  boolean isMostlyWaiting(int length) {
    return chooser == null || chooser.isMostlyWaiting(length);
  }

  /** Adds {@code partial[0, length)} of all ranks into {@code sum}. */
  void allreduce(long step, int layer, int block, double[] partial, float[] sum, int length) {
    round.sum(step, layer, block, partial, sum, length);
    session.beginRound();
    begin();
    Objects.requireNonNull(forms.get(formFor(length))).sum(this);
    finish();
    session.endRound();
  }

  /**
   * Collects a vector of which each rank has formed a range alone.
   *
   * @param partial has the own range, at its place, and zeros
   * @param ends where the range of each rank ends; it begins where that of the rank before ends.
   *     All but the last end with a block of the encoding
   */
  void allgather(long step, int layer, int block, double[] partial, float[] sum, int[] ends) {
    int length = ends[ends.length - 1];
    if (!linksAll()) {
      allreduce(step, layer, block, partial, sum, length);
      return;
    }
    round.sum(step, layer, block, partial, sum, length);
    session.beginRound();
    begin();
    for (int rank = 0; rank < worldSize(); rank++) {
      if (rank != ownRank()) {
        expectSum(rank, start(ends, rank), ends[rank]);
      }
    }
    sendOwn(start(ends, ownRank()), ends[ownRank()]);
    takeSums();
    finish();
    session.endRound();
  }

  private static int start(int[] ends, int rank) {
    return rank == 0 ? 0 : ends[rank - 1];
  }

  /** Whether frames go between any two ranks. */
  private boolean linksAll() {
    Collective form = session.config().collective();
    return form != Collective.STAR && form != Collective.SHARED_MEMORY;
  }

  /** Rounds a range that this rank has formed alone, as a sum of all ranks is, and sends it. */
  private void sendOwn(int start, int rangeEnd) {
    for (int next = start; next < rangeEnd; next += answerLength()) {
      int count = Math.min(answerLength(), rangeEnd - next);
      Arrays.fill(frameSum, 0, count, 0);
      encoding().addTo(frameSum, round.partial(), next, count);
      encoding().round(frameSum, count, round.sum(), next);
      answer(next, next + count);
    }
  }

  /** Sends the state that a step starts from to all. */
  void broadcast(long step, int startPosition, int tokenCount, float[] hidden, int length) {
    round.hidden(step, startPosition, tokenCount, hidden, length);
    begin();
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

  SumEncoding encoding() {
    return session.config().encoding();
  }

  /** Gives up what is shared with others. */
  @Override
  public void close() {
    if (slots != null) {
      slots.close();
    }
  }

  /** Wakes a rank that waits for what others publish. */
  void wakeUp(int rank) {
    if (session.trySendSignal(session.links()[session.linkIndex(rank)], FrameKind.WAITING, 0, 0)) {
      session.doWork();
    }
  }

  /**
   * Waits for a rank's piece of the round; see {@link SharedSlots#take}. It gives its core away for
   * a while, as other ranks may want it, then sleeps until one of them wakes it.
   */
  void await(int rank, int start, int length, SharedSlots shared, double[] elements) {
    Link link = session.links()[session.linkIndex(rank)];
    session.beginWait();
    while (!shared.take(rank, round, start, length, elements)) {
      if (session.waitingNs() < YIELD_NS) {
        session.giveWay();
        continue;
      }
      shared.asleep(true);
      try {
        if (!shared.take(rank, round, start, length, elements)) {
          boundary.check();
          session.idleForDebtor(link, awaitedPartial); // all had the round before
          takeSignsOfLife();
        }
      } finally {
        shared.asleep(false);
      }
    }
    session.endWait();
    link.heard();
  }

  /** Sends a range of the own partial sum. */
  void sendPartial(int rank, int start, int end) {
    outboxes[session.linkIndex(rank)].begin(FrameKind.PARTIAL, start, end);
  }

  /** Adds a range of all ranks. */
  void sum(int start, int rangeEnd) {
    pump();
    session.doWork();
    for (int next = start; next < rangeEnd; ) {
      next += sumPart(next, rangeEnd);
    }
  }

  /**
   * Adds a range of all ranks and sends it to all, after what is left to send, when a frame is full
   * of sums.
   */
  void sumAndAnswer(int start, int rangeEnd) {
    int sent = start;
    for (int next = start; next < rangeEnd; ) {
      next += sumPart(next, rangeEnd);
      if (next == rangeEnd || next - sent >= answerLength()) {
        answer(sent, next);
        sent = next;
      }
    }
  }

  /** Sums that fill a frame, as a rule. */
  private int answerLength() {
    return Math.max(1, encoding().typicalIn(session.elementsBytes()));
  }

  /** Sends a range of the sum to all, after what is left to send. */
  private void answer(int start, int rangeEnd) {
    for (Outbox outbox : outboxes) {
      outbox.addSum(start, rangeEnd);
    }
    pump();
    session.doWork();
  }

  /**
   * Adds, in rank order, as much from {@code start} on as has come of all ranks.
   *
   * @return how many elements
   */
  private int sumPart(int start, int rangeEnd) {
    first = start;
    end = rangeEnd;
    int partEnd = Math.min(rangeEnd, start + frameSum.length);
    for (int index = 0; index < inboxes.length; index++) {
      if (inboxes[index].end() <= start) {
        takePartialOf(index);
      }
      partEnd = Math.min(partEnd, inboxes[index].end());
    }
    int count = partEnd - start;
    Arrays.fill(frameSum, 0, count, 0);
    for (int rank = 0; rank < worldSize(); rank++) {
      if (rank == ownRank()) {
        encoding().addTo(frameSum, round.partial(), start, count);
      } else {
        inboxes[session.linkIndex(rank)].addTo(frameSum, start, count);
      }
    }
    encoding().round(frameSum, count, round.sum(), start);
    return count;
  }

  /** Will take the sum of a range from a peer. */
  void expectSum(int rank, int start, int end) {
    int index = session.linkIndex(rank);
    owedNext[index] = start;
    owedEnd[index] = end;
  }

  /** Takes the sums that were announced, in the order they come. */
  void takeSums() {
    take(sumHandler, awaitedSum);
  }

  /**
   * The root collects a vector, of which each leaf sends its range as it is.
   *
   * @param vector the root's takes the ranges of the leaves; a leaf's has its own
   * @param ends where the range of each rank ends; it begins where that of the rank before ends
   */
  void gather(long step, int index, float[] vector, int[] ends) {
    round.hidden(step, index, 0, vector, ends[ends.length - 1]);
    begin();
    if (ownRank() == 0) {
      for (int rank = 1; rank < worldSize(); rank++) {
        int link = session.linkIndex(rank);
        owedNext[link] = ends[rank - 1];
        owedEnd[link] = ends[rank];
      }
      take(gatherHandler, awaitedRange);
    } else {
      outboxes[session.linkIndex(0)].begin(FrameKind.GATHER, ends[ownRank() - 1], ends[ownRank()]);
      finish();
    }
  }

  private void take(ControlledFragmentHandler handler, Supplier<String> awaited) {
    session.beginWait();
    while (true) {
      boolean progress = pump();
      int missing = -1;
      for (int i = outboxes.length - 1; i >= 0; i--) {
        int before = owedNext[i];
        if (before < owedEnd[i]) {
          polled = i;
          outboxes[i].link().poll(handler);
          progress |= owedNext[i] > before;
          missing = owedNext[i] < owedEnd[i] ? i : missing;
        }
      }
      if (missing < 0) {
        break;
      }
      if (progress) {
        session.doWork();
        session.restartWait();
      } else {
        waitFor(outboxes[missing].link(), awaited);
      }
    }
    session.endWait();
  }

  private void begin() {
    session.chooseFrameLength();
    for (int i = 0; i < outboxes.length; i++) {
      outboxes[i].begin(FrameKind.PARTIAL, 0, 0);
      inboxes[i].begin();
      owedNext[i] = 0;
      owedEnd[i] = 0;
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

  /**
   * Hands all to the driver that there is room for, a frame to each peer in turn, as it is often
   * the same. Returns whether it was anything.
   */
  private boolean pump() {
    boolean any = false;
    boolean sent;
    do {
      sent = false;
      for (Outbox outbox : outboxes) {
        sent |= outbox.trySend(session, round);
      }
      any |= sent;
    } while (sent);
    return any;
  }

  private void waitFor(Link link, Supplier<String> awaited) {
    boundary.check();
    session.idleFor(link, awaited);
  }

  private void takePartialOf(int index) {
    Link link = session.links()[index];
    polled = index;
    link.poll(partialHandler);
    if (inboxes[index].end() > first) {
      return;
    }
    session.beginWait();
    while (inboxes[index].end() <= first) {
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
        || frame.count() > frameSum.length
        || first + frame.count() > end) {
      return leaveOrDrop(frame);
    }
    inboxes[polled].take(frame, encoding());
    return BREAK; // what follows is taken when this has been added
  }

  private Action onSum(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(session.links()[polled], buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (!isOwed(frame, FrameKind.SUM) || frame.count() > frameSum.length) {
      return leaveOrDrop(frame);
    }
    frame.copyElementsTo(frameSum, encoding());
    for (int i = 0; i < frame.count(); i++) {
      round.sum()[frame.offset() + i] = (float) frameSum[i];
    }
    return taken(frame);
  }

  /** Whether a frame is what the polled peer owes next. */
  private boolean isOwed(FrameFlyweight frame, FrameKind kind) {
    return frame.kind() == kind
        && isOfRound(frame)
        && frame.offset() == owedNext[polled]
        && frame.offset() + frame.count() <= owedEnd[polled];
  }

  private Action taken(FrameFlyweight frame) {
    owedNext[polled] = frame.offset() + frame.count();
    return owedNext[polled] == owedEnd[polled] ? BREAK : CONTINUE;
  }

  private Action onGather(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(session.links()[polled], buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (!isOwed(frame, FrameKind.GATHER)) {
      return leaveOrDrop(frame);
    }
    frame.copyElementsTo(round.sum(), frame.offset());
    return taken(frame);
  }

  /** So that they do not fill the receive buffers; a farewell may be among them. */
  private void takeSignsOfLife() {
    for (polled = 0; polled < outboxes.length; polled++) {
      outboxes[polled].link().poll(dropHandler);
      session.checkGone(outboxes[polled].link(), awaitedPartial);
    }
  }

  private Action onOther(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(session.links()[polled], buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    if (frame.kind() == FrameKind.GATHER && frame.step() == round.step()) {
      session.putBack(); // that peer has all of the sum already
      return ABORT;
    }
    return leaveOrDrop(frame);
  }

  private String describePartial() {
    return "a partial sum of " + round.describe();
  }

  private String describeSum() {
    return "the sum of " + round.describe();
  }

  private String describeRange() {
    return "a range of vector " + round.layer() + " of step " + round.step();
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
