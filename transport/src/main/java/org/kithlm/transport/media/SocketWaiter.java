package org.kithlm.transport.media;

import io.aeron.driver.DataPacketDispatcher;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.ReceiveChannelEndpoint;
import io.aeron.driver.media.SendChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import org.agrona.concurrent.status.AtomicCounter;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.TransportException;

/**
 * Lets the thread that drives a media driver sleep until a datagram comes. Aeron only polls; on a
 * machine with fewer cores than ranks each poll takes time from a rank that computes, and each nap
 * is longer than the datagram takes. Owned by that thread, except {@link #wakeUp}.
 */
final class SocketWaiter implements AutoCloseable {
  private static final int CALLS_PER_LOOK = 8;

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
    if (key.attachment() instanceof Sender sender) {
      sender.readable = true;
    }
  }

  private void register(DatagramChannel channel, Object endpoint) {
    try {
      channel.register(selector, SelectionKey.OP_READ, endpoint);
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
      register(receiveDatagramChannel(), this);
    }
  }

  /**
   * Hears of free windows and losses, seldom, on a socket for each peer, and Aeron would look at
   * each whenever the driver is driven. So it does where the selector has seen something, and else
   * now and then, as a rank that always finds something to do asks no selector.
   */
  private final class Sender extends SendChannelEndpoint {
    private boolean readable;
    private int skipped;

    Sender(UdpChannel channel, AtomicCounter status, MediaDriver.Context context) {
      super(channel, status, context);
    }

    @Override
    public void openChannel() {
      super.openChannel();
      register(receiveDatagramChannel(), this);
    }

    @Override
    public @Nullable InetSocketAddress receive(ByteBuffer buffer) {
      if (!readable && ++skipped < CALLS_PER_LOOK) {
        return null;
      }
      skipped = 0;
      InetSocketAddress sender = super.receive(buffer);
      readable = sender != null; // there may be more
      return sender;
    }
  }
}
