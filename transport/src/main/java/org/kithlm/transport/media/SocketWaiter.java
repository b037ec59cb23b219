package org.kithlm.transport.media;

import java.io.IOException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import org.kithlm.transport.TransportException;

/**
 * Lets the thread that drives a media driver sleep until a datagram comes. Aeron only polls; on a
 * machine with fewer cores than ranks each poll takes time from a rank that computes, and each nap
 * is longer than the datagram takes. Owned by that thread, except {@link #wakeUp}.
 */
final class SocketWaiter implements AutoCloseable {
  private final Selector selector;

  SocketWaiter() {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new TransportException("cannot wait for sockets: " + e.getMessage(), e);
    }
  }

  /**
   * Sleeps until a datagram can be read, {@link #wakeUp} is called or {@code timeoutMs} is over.
   */
  void await(long timeoutMs) {
    try {
      selector.select(SocketWaiter::noteReadable, timeoutMs); // Aeron polls what is ready
    } catch (IOException e) {
      throw new TransportException("cannot wait for sockets: " + e.getMessage(), e);
    }
  }

  /** Ends the wait that is going on, or else the next one. Any thread. */
  void wakeUp() {
    selector.wakeup();
  }

  @Override
  public void close() {
    try {
      selector.close();
    } catch (IOException e) {
      throw new TransportException("cannot close a selector: " + e.getMessage(), e);
    }
  }

  private static void noteReadable(SelectionKey key) {
    if (key.attachment() instanceof PeerEndpoint endpoint) {
      endpoint.markReadable();
    }
  }

  /** Waits for the socket of one of the driver's endpoints as well. */
  void register(DatagramChannel channel, Object endpoint) {
    try {
      channel.register(selector, SelectionKey.OP_READ, endpoint);
    } catch (IOException e) {
      throw new TransportException("cannot wait for a socket: " + e.getMessage(), e);
    }
  }
}
