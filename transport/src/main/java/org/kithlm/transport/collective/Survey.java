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
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/**
 * Measures a session's links once, between connecting and the first step. Each rank measures the
 * links to lower ranks, one after the other: pings for the latency, then bursts that are answered
 * when their last frame is there, for the rate. The best of each counts, as whatever disturbs them
 * (ranks still compile, and ping each other) only ever takes time; so they go on for as long as is
 * allowed: the first few are ten times slower than the last. Leaves report to the root, which tells
 * all the worst of what it was told. Owned by the session's thread.
 */
final class Survey {
  private static final long BUDGET_NS = TimeUnit.MILLISECONDS.toNanos(400);
  private static final int BURST_FRAMES = 16;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Session session;
  private final ControlledFragmentHandler handler = this::onFrame;
  private final float[] burst;
  private Link polled;
  private long asked;
  private long answered;
  private int reports;
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
    burst =
        new float[Math.min(BURST_FRAMES * session.maxFrameFloats(), session.config().maxFloats())];
  }

  /**
   * Returns what all ranks have agreed on.
   *
   * @throws TransportException if a peer does not answer within the connect timeout
   */
  LinkCosts run() {
    session.beginWait();
    boolean isRoot = session.config().rank() == 0;
    if (!isRoot) {
      measureLowerRanks();
      LinkCosts own = worst();
      sendCosts(session.links()[session.linkIndex(0)], FrameKind.MEASURED, own);
      while (told == null) {
        serve();
      }
      return told;
    }
    while (reports < session.links().length) {
      serve();
    }
    LinkCosts all = worst();
    for (Link link : session.links()) {
      sendCosts(link, FrameKind.COSTS, all);
    }
    session.flush();
    return all;
  }

  private LinkCosts worst() {
    boolean oneMachine =
        session.config().peers().stream().map(p -> p.host()).distinct().count() == 1;
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
      ping(link); // takes until the peer has connected all its links
      long fastestNs = Long.MAX_VALUE;
      long startNs = System.nanoTime();
      do {
        fastestNs = Math.min(fastestNs, ping(link));
      } while (System.nanoTime() - startNs < budgetNs);
      noteLatency(rank == 0, fastestNs / 2);
      measureBursts(link, fastestNs, budgetNs);
    }
  }

  private void measureBursts(Link link, long pingNs, long budgetNs) {
    long serialNs = Long.MAX_VALUE;
    long frameCpuNs = Integer.MAX_VALUE;
    long startNs = System.nanoTime();
    do {
      long cpuNs = THREADS.getCurrentThreadCpuTime();
      serialNs = Math.min(serialNs, Math.max(1000, burst(link) - pingNs));
      cpuNs = THREADS.getCurrentThreadCpuTime() - cpuNs;
      frameCpuNs = Math.clamp(cpuNs / frames(), 1, frameCpuNs);
    } while (System.nanoTime() - startNs < budgetNs);
    long burstBytes = (long) burst.length * Float.BYTES;
    bytesPerSecond = Math.min(bytesPerSecond, burstBytes * 1_000_000_000L / serialNs);
    datagramNs = (int) Math.max(datagramNs, frameCpuNs);
  }

  private int frames() {
    return Math.ceilDiv(burst.length, session.maxFrameFloats());
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
    long startNs = System.nanoTime();
    while (!session.trySendSignal(link, FrameKind.PING, number, 0)) {
      serve();
    }
    awaitAnswer(number);
    return System.nanoTime() - startNs;
  }

  /** Sends a vector and waits for the answer to its last frame. */
  private long burst(Link link) {
    long number = ++asked;
    long startNs = System.nanoTime();
    for (int first = 0; first < burst.length; ) {
      int count = Math.min(session.maxFrameFloats(), burst.length - first);
      do {
        session.outgoing().subject(FrameKind.BURST, number, 0, 0).part(first, count, burst.length);
      } while (!trySendOrServe(link));
      first += count;
    }
    awaitAnswer(number);
    return System.nanoTime() - startNs;
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
    FrameFlyweight frame = session.incoming();
    switch (frame.kind()) {
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
