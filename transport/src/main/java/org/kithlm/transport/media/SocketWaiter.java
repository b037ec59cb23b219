package org.kithlm.transport.media;

import io.aeron.driver.DataPacketDispatcher;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.ReceiveChannelEndpoint;
import io.aeron.driver.media.SendChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import java.io.IOException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import org.agrona.concurrent.status.AtomicCounter;
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

  /** Makes the driver's sockets ones that this waits for. */
  void watch(MediaDriver.Context context) {
    context.receiveChannelEndpointSupplier(Receiver::new).sendChannelEndpointSupplier(Sender::new);
  }

  /**
   * Sleeps until a datagram can be read, {@link #wakeUp} is called or {@code timeoutMs} is over.
   */
  void await(long timeoutMs) {
    try {
      selector.select(key -> {}, timeoutMs); // Aeron polls what is ready
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

  private void register(DatagramChannel channel) {
    try {
      channel.register(selector, SelectionKey.OP_READ);
    } catch (IOException e) {
      throw new TransportException("cannot wait for a socket: " + e.getMessage(), e);
    }
  }

  private final class Receiver extends ReceiveChannelEndpoint {
    Receiver(
        UdpChannel channel,
        DataPacketDispatcher dispatcher,
        AtomicCounter status,
        MediaDriver.Context context) {
      super(channel, dispatcher, status, context);
    }

    @Override
    public void openChannel() {
      super.openChannel();
      register(receiveDatagramChannel());
    }
  }

  private final class Sender extends SendChannelEndpoint {
    Sender(UdpChannel channel, AtomicCounter status, MediaDriver.Context context) {
      super(channel, status, context);
    }

    @Override
    public void openChannel() {
      super.openChannel();
      register(receiveDatagramChannel());
    }
  }
}
