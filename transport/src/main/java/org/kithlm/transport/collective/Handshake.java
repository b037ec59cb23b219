package org.kithlm.transport.collective;

import static io.aeron.logbuffer.ControlledFragmentHandler.Action.BREAK;
import static io.aeron.logbuffer.ControlledFragmentHandler.Action.CONTINUE;

import io.aeron.logbuffer.ControlledFragmentHandler;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.aeron.logbuffer.Header;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.agrona.DirectBuffer;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.Elements;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.media.FrameReceiver;

/**
 * Connects a session's links. Of each two ranks the higher says hello until the lower answers, and
 * then that it is ready. Owned by the session's thread.
 */
final class Handshake {
  private static final long HELLO_INTERVAL_NS = 50_000_000;

  private final Session session;
  private final ControlledFragmentHandler handler = this::onFrame;
  private @Nullable FrameReceiver greeted;

  Handshake(Session session) {
    this.session = session;
  }

  /**
   * Waits until all links are ready.
   *
   * @throws TransportException after the connect timeout, naming the missing ranks, or at once if a
   *     peer has other limits
   */
  void run() {
    session.checkFailure();
    session.beginWait();
    long lastHelloNs = session.nanoTime() - HELLO_INTERVAL_NS;
    while (!Arrays.stream(session.links()).allMatch(Link::isReady)) {
      if (session.nanoTime() - lastHelloNs >= HELLO_INTERVAL_NS) {
        sayHello();
        lastHelloNs = session.nanoTime();
      }
      session.pollUnbound(this::greet);
      for (Link link : session.links()) {
        if (link.isReady()) {
          continue;
        }
        if (isLower(link)) {
          tryFinish(link);
        } else {
          greeted = null;
          link.poll(handler);
        }
      }
      idle();
    }
    while (!Arrays.stream(session.links()).allMatch(Link::isFlushed)) {
      idle();
    }
  }

  private void sayHello() {
    for (Link link : session.links()) {
      if (isLower(link) && !link.isBound()) {
        trySendHello(link);
      }
    }
  }

  private void tryFinish(Link link) {
    session.outgoing().subject(FrameKind.READY, 0, 0, 0).part(0, 0, 0);
    if (link.isBound() && session.trySend(link, Elements.NONE)) {
      link.markReady();
    }
  }

  private void greet(FrameReceiver unbound) {
    greeted = unbound;
    unbound.poll(handler, 1);
  }

  private Action onFrame(DirectBuffer buffer, int index, int lengthBytes, Header header) {
    if (!session.accept(null, buffer, index, lengthBytes)) {
      return CONTINUE;
    }
    FrameFlyweight frame = session.incoming();
    Link link = session.links()[session.linkIndex(frame.rank())];
    link.heard();
    if (frame.kind() == FrameKind.HELLO) {
      checkHello(link.peer(), frame);
      if (greeted != null) {
        link.bind(greeted);
      }
      if (!isLower(link)) {
        trySendHello(link); // where there is no room the peer says hello again
      }
    } else if (frame.kind() == FrameKind.READY && link.isBound() && !isLower(link)) {
      link.markReady();
    } else {
      session.drop();
    }
    return BREAK; // the receiver may be bound now: go on with its own link
  }

  /** Says hello; see {@link FrameFlyweight}. Returns whether there was room. */
  private boolean trySendHello(Link link) {
    SessionConfig config = session.config();
    session
        .outgoing()
        .subject(FrameKind.HELLO, 0, forms(config), config.peers().size())
        .part(session.elementsBytesMax(), 0, config.maxFloats());
    return session.trySend(link, Elements.NONE);
  }

  /** Ends the session at its next {@link Session#idle} if a hello shows other limits than ours. */
  private void checkHello(PeerAddress peer, FrameFlyweight hello) {
    SessionConfig config = session.config();
    String theirs = describeLimits(hello.offset(), hello.length(), hello.block(), hello.layer());
    String ours =
        describeLimits(
            session.elementsBytesMax(), config.maxFloats(), config.peers().size(), forms(config));
    if (!theirs.equals(ours)) {
      session.fail(
          new TransportException(
              peer + " has another configuration: " + theirs + ", here " + ours));
    }
  }

  private static int forms(SessionConfig config) {
    return config.encoding().code() << 16 | config.collective().code();
  }

  private static String describeLimits(int elementsBytes, int maxFloats, int worldSize, int forms) {
    return "elementsBytes=%d maxFloats=%d worldSize=%d collective=%d encoding=%d"
        .formatted(elementsBytes, maxFloats, worldSize, forms & 0xFFFF, forms >>> 16);
  }

  private boolean isLower(Link link) {
    return link.peer().rank() < session.config().rank();
  }

  private void idle() {
    if (session.idle(session.config().connectTimeoutNs())) {
      String missing =
          Arrays.stream(session.links())
              .filter(link -> !link.isReady())
              .map(link -> link.peer().toString())
              .collect(Collectors.joining(", "));
      TransportException cause = new TransportException("not connected in time: " + missing);
      session.fail(cause);
      throw cause;
    }
  }
}
