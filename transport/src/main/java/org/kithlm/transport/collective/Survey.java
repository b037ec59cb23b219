package org.kithlm.transport.collective;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.ABORT;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.BREAK;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.TimeUnit;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FloatElements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/**
 * Measures a session's links, between steps, when the ranks' code is warm: cold code takes tens of
 * times what it is to measure. The root gives each leaf its turn, so that they don't disturb each
 * other; a leaf measures the links to lower ranks, one after the other: pings for the latency, then
 * bursts that are answered when their last frame is there, for the rate. The median counts, as a
 * round meets what is usual on a link, not its best. Leaves report to the root, which tells all the
 * worst of what it was told. Owned by the session's thread.
 */
final class Survey {
  // For what one leaf measures.
  private static final long BUDGET_NS = TimeUnit.MILLISECONDS.toNanos(400);
  // 64 KB at Ethernet's MTU: half of the sender's window, and long beside the jitter of a link.
  private static final int BURST_FRAMES = 48;
  private static final int NOBODY = -1;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Session session;
  private final ControlledFragmentHandler handler = this::onFrame;
  private final int frameFloats;
  private final int burstLength;
  private final FloatElements burst = new FloatElements();
  private final boolean oneMachine;
  private Link polled;
  private long asked;
  private long answered;
  private int reports;
  private int turn = NOBODY;
  private @Nullable LinkCosts told;

  // The worst so far, of the own links or of all leaves.
  private int starLatencyNs = 1;
  private int meshLatencyNs = 1;
  private long bytesPerSecond = Long.MAX_VALUE;
  private int datagramNs = 1;

  /** Measures links that are all connected; there is at least one. */
  Survey(Session session) {
    this.session = session;
    polled = session.links()[0];
    frameFloats = session.packetElementsBytes() / Float.BYTES;
    burstLength = Math.min(BURST_FRAMES * frameFloats, session.config().maxFloats());
    burst.wrap(new float[burstLength]);
    oneMachine = session.config().peers().stream().map(PeerAddress::host).distinct().count() == 1;
  }

  /**
   * The root's part: gives each leaf its turn and tells all what came of it.
   *
   * @param step number of the next step
   * @throws TransportException if a leaf is silent for the connect timeout
   */
  LinkCosts lead(long step) {
    session.beginWait();
    for (int rank = 1; rank < session.config().peers().size(); rank++) {
      sendTurn(step, rank);
      while (reports < rank) {
        serve();
      }
    }
    LinkCosts all = worst();
    sendCosts(all);
    return all;
  }

  /**
   * The root's part where it knows what links cost: it gives nobody a turn, and tells all.
   *
   * @param step number of the next step
   * @throws TransportException if a leaf is silent for the connect timeout
   */
  void tell(long step, LinkCosts known) {
    session.beginWait();
    sendTurn(step, session.config().rank());
    sendCosts(known);
  }

  private void sendTurn(long step, int rank) {
    for (Link link : session.links()) {
      while (!session.trySendSignal(link, FrameKind.TURN, step, rank)) {
        serve();
      }
    }
  }

  private void sendCosts(LinkCosts all) {
    for (Link link : session.links()) {
      sendCosts(link, FrameKind.COSTS, all);
    }
    session.flush();
  }

  /**
   * A leaf's part: answers the others, measures when it is its turn.
   *
   * @param firstTurn the rank whose turn it is
   * @throws TransportException if the root is silent for the connect timeout
   */
  LinkCosts follow(int firstTurn) {
    session.beginWait();
    turn = firstTurn;
    while (told == null) {
      if (turn == session.config().rank()) {
        turn = NOBODY;
        measureLowerRanks();
        sendCosts(session.links()[session.linkIndex(0)], FrameKind.MEASURED, worst());
      }
      serve();
    }
    return told;
  }

  private LinkCosts worst() {
    return new LinkCosts(
        starLatencyNs,
        meshLatencyNs,
        bytesPerSecond,
        datagramNs,
        oneMachine ? Runtime.getRuntime().availableProcessors() : 0);
  }

  private void measureLowerRanks() {
    int lowerRanks = session.config().rank();
    long budgetNs = BUDGET_NS / lowerRanks / 2;
    for (int rank = 0; rank < lowerRanks; rank++) {
      Link link = session.links()[session.linkIndex(rank)];
      Samples pings = new Samples(budgetNs);
      while (pings.isWanted()) {
        pings.add(ping(link));
      }
      noteLatency(rank == 0, pings.median() / 2);
      measureBursts(link, pings.median(), budgetNs);
    }
  }

  private void measureBursts(Link link, long pingNs, long budgetNs) {
    Samples bursts = new Samples(budgetNs);
    Samples sending = new Samples(budgetNs);
    while (bursts.isWanted()) {
      long startNs = System.nanoTime();
      long cpuNs = THREADS.getCurrentThreadCpuTime();
      long number = sendBurst(link);
      sending.add(THREADS.getCurrentThreadCpuTime() - cpuNs);
      awaitAnswer(number);
      bursts.add(System.nanoTime() - startNs);
    }
    long sendNs = sending.median();
    datagramNs = Math.clamp(sendNs / frames(), datagramNs, Integer.MAX_VALUE);
    // The chooser counts work by the datagram; on one machine it takes all of it for the link's.
    long workNs = oneMachine ? 0 : sendNs;
    long serialNs = Math.max(1000, bursts.median() - pingNs - workNs);
    long burstBytes = (long) burstLength * Float.BYTES;
    bytesPerSecond = Math.min(bytesPerSecond, burstBytes * 1_000_000_000L / serialNs);
  }

  private int frames() {
    return Math.ceilDiv(burstLength, frameFloats);
  }

  private void noteLatency(boolean ofRoot, long oneWayNs) {
    int ns = Math.clamp(oneWayNs, 1, Integer.MAX_VALUE);
    meshLatencyNs = Math.max(meshLatencyNs, ns);
    if (ofRoot) {
      starLatencyNs = Math.max(starLatencyNs, ns);
    }
  }

  private long ping(Link link) {
    long number = ++asked;
    session.beginWait(); // waits as a round does, from the first idle on
    long startNs = System.nanoTime();
    while (!session.trySendSignal(link, FrameKind.PING, number, 0)) {
      serve();
    }
    awaitAnswer(number);
    return System.nanoTime() - startNs;
  }

  /** Sends a vector. The result is the number that its last frame is answered by. */
  private long sendBurst(Link link) {
    long number = ++asked;
    session.beginWait();
    for (int first = 0; first < burstLength; ) {
      int count = Math.min(frameFloats, burstLength - first);
      do {
        session.outgoing().subject(FrameKind.BURST, number, 0, 0).part(first, count, burstLength);
      } while (!trySendOrServe(link));
      first += count;
    }
    session.doWork();
    return number;
  }

  private boolean trySendOrServe(Link link) {
    if (session.trySend(link, burst)) {
      return true;
    }
    serve();
    return false;
  }

  private void awaitAnswer(long number) {
    session.doWork();
    while (answered < number) {
      serve();
    }
  }

  private void sendCosts(Link link, FrameKind kind, LinkCosts costs) {
    do {
      session
          .outgoing()
          .subject(kind, costs.bytesPerSecond(), costs.starLatencyNs(), costs.meshLatencyNs())
          .part(costs.datagramNs(), 0, costs.sharedCores());
    } while (!trySendOrServe(link));
  }

  /** Answers the peers and waits a little. */
  private void serve() {
    for (Link link : session.links()) {
      if (told != null) {
        return; // what follows is the first step
      }
      polled = link;
      link.poll(handler);
      session.checkGone(link, () -> "its answer");
    }
    if (told == null && session.idle(session.config().connectTimeoutNs())) {
      TransportException cause =
          new TransportException(
              "the links were not measured in time: "
                  + reports
                  + " of "
                  + session.links().length
                  + " peers of rank "
                  + session.config().rank()
                  + " reported");
      session.fail(cause);
      throw cause;
    }
  }

  private Action onFrame(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(polled, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    session.beginWait();
    FrameFlyweight frame = session.incoming();
    switch (frame.kind()) {
      case TURN -> turn = frame.block();
      case PING -> {
        return answer(frame.step());
      }
      case BURST -> {
        return frame.offset() + frame.count() == frame.length() ? answer(frame.step()) : CONTINUE;
      }
      case PONG -> answered = frame.step();
      case MEASURED -> {
        reports++;
        starLatencyNs = Math.max(starLatencyNs, frame.layer());
        meshLatencyNs = Math.max(meshLatencyNs, frame.block());
        bytesPerSecond = Math.min(bytesPerSecond, frame.step());
        datagramNs = Math.max(datagramNs, frame.offset());
      }
      case COSTS -> {
        told =
            new LinkCosts(
                frame.layer(), frame.block(), frame.step(), frame.offset(), frame.length());
        return BREAK;
      }
      default -> session.drop();
    }
    return CONTINUE;
  }

  private Action answer(long number) {
    if (session.trySendSignal(polled, FrameKind.PONG, number, 0)) {
      return CONTINUE;
    }
    session.putBack();
    return ABORT;
  }
}
