package org.kithlm.transport.media;

import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.TransportException;

/**
 * What carries a rank's frames, without threads: nothing moves unless the owning thread calls
 * {@link #doWork}.
 */
public interface Media extends AutoCloseable {
  /** Sends and receives what is due. Returns how much there was to do. */
  int doWork();

  /** Gives the core to who else wants it, for a moment. */
  void giveWay();

  /** Sleeps for about {@code napNs}, whatever comes, unless there is something to do already. */
  void nap(long napNs);

  /** Sleeps until there may be something to do, but no longer than {@code timeoutMs}. */
  void await(long timeoutMs);

  /** Ends {@link #await}, the next one if none is going on. Any thread. */
  void wakeUp();

  /**
   * A way to send to a peer.
   *
   * @throws TransportException if its address cannot be resolved
   */
  FrameSender senderTo(PeerAddress peer);

  /**
   * Most bytes of a frame that every peer is to be sent now, with Aeron's header. It grows when
   * links have shown that they lose hardly anything, and shrinks when they do.
   */
  int frameLengthMax();

  /** Senders that are heard. */
  int receiverCount();

  /** One of the senders that are heard; the object is the same as long as the sender is. */
  FrameReceiver receiver(int index);

  @Override
  void close();
}
