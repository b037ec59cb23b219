package org.kithlm.transport.media;

/**
 * How large the datagrams to a peer are. Those above the path's MTU travel as IP fragments: sending
 * and taking one costs little more than a small one does, but it is lost with any of its fragments,
 * and what is left of it keeps the receiver's memory for fragments for half a minute. So it is for
 * links that lose hardly any, and for paths that let fragments through.
 *
 * <p>At first frames are small and several may share a large datagram: should it not arrive, they
 * can be sent one by one. When many large datagrams in a row have arrived, frames are large as
 * well. Where too much is lost, all are small from then on. Owned by the session's thread.
 */
final class DatagramLimit {
  /** Several times what fills a link's window, so that most of them must have arrived. */
  static final int PROVEN_DATAGRAMS = 64;

  /** Requests for what was lost, of {@link #PERIOD_DATAGRAMS}, that are too many. */
  static final int LOSSES_MAX = 8;

  static final int PERIOD_DATAGRAMS = 1024;

  private final int mtuLength;
  private final int datagramLength;
  private boolean isLossy;
  private int sent; // in this period
  private int losses; // in this period
  private int largeSent; // since the last loss

  /** Goes up from {@code mtuLength} to {@code datagramLength}. */
  DatagramLimit(int mtuLength, int datagramLength) {
    this.mtuLength = mtuLength;
    this.datagramLength = datagramLength;
  }

  /** Most bytes of a datagram of several frames. */
  int datagramLength() {
    return isLossy ? mtuLength : datagramLength;
  }

  /** Most bytes of a frame. */
  int frameLength() {
    return largeSent >= PROVEN_DATAGRAMS ? datagramLength() : mtuLength;
  }

  /** A datagram was sent. */
  void sent(int lengthBytes) {
    if (++sent == PERIOD_DATAGRAMS) {
      sent = 0;
      losses = 0;
    }
    if (lengthBytes > mtuLength && largeSent < PROVEN_DATAGRAMS) {
      largeSent++;
    }
  }

  /** The peer asks for what it has not received. */
  void lost() {
    isLossy |= ++losses > LOSSES_MAX;
    if (largeSent < PROVEN_DATAGRAMS) {
      largeSent = 0;
    }
  }
}
