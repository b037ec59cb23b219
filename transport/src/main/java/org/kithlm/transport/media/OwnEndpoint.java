package org.kithlm.transport.media;

import io.aeron.driver.DataPacketDispatcher;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.ReceiveChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import org.agrona.concurrent.status.AtomicCounter;

/** The driver's socket at the own address. Owned by the thread that drives the driver. */
final class OwnEndpoint extends ReceiveChannelEndpoint {
  private final SocketWaiter waiter;

  OwnEndpoint(
      UdpChannel channel,
      DataPacketDispatcher dispatcher,
      AtomicCounter status,
      MediaDriver.Context context,
      SocketWaiter waiter) {
    super(channel, dispatcher, status, context);
    this.waiter = waiter;
  }

  @Override
  public void openChannel() {
    super.openChannel();
    waiter.register(receiveDatagramChannel(), this);
  }
}
