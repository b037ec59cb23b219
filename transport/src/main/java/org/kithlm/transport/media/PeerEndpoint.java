package org.kithlm.transport.media;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.media.SendChannelEndpoint;
import io.aeron.driver.media.UdpChannel;
import io.aeron.logbuffer.FrameDescriptor;
import io.aeron.protocol.NakFlyweight;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.agrona.BitUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.jspecify.annotations.Nullable;

/**
 * The driver's socket to a peer.
 *
 * <p>It hears of free windows and losses, seldom, and Aeron would look at it whenever the driver is
 * driven. So it does where the waiter has seen something, and else now and then, as a rank that
 * always finds something to do does not wait.
 *
 * <p>Aeron fills a datagram with the frames that are there, up to its MTU. Where the link takes no
 * large ones they are cut between frames, each of which has a header of its own. Owned by the
 * thread that drives the driver.
 */
final class PeerEndpoint extends SendChannelEndpoint {
  private static final int CALLS_PER_LOOK = 8;

  private final SocketWaiter waiter;
  private final DatagramLimit limit;
  private boolean readable;
  private int skipped;

  PeerEndpoint(
      UdpChannel channel,
      AtomicCounter status,
      MediaDriver.Context context,
      SocketWaiter waiter,
      DatagramLimit limit) {
    super(channel, status, context);
    this.waiter = waiter;
    this.limit = limit;
  }

  @Override
  public void openChannel() {
    super.openChannel();
    waiter.register(receiveDatagramChannel(), this);
  }

  /** There is something to receive. */
  void markReadable() {
    readable = true;
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

  @Override
  public int send(ByteBuffer buffer) {
    int end = buffer.limit();
    int sentBytes = 0;
    while (buffer.position() < end) {
      buffer.limit(datagramEnd(buffer, buffer.position(), end));
      int datagramBytes = super.send(buffer);
      buffer.limit(end);
      if (datagramBytes == 0) {
        break; // the socket takes no more now: Aeron sends all again
      }
      limit.sent(datagramBytes);
      sentBytes += datagramBytes;
    }
    return sentBytes;
  }

  /** Where the last frame ends that fits, the first one whatever its length. */
  private int datagramEnd(ByteBuffer buffer, int start, int end) {
    if (end - start <= limit.datagramLength()) {
      return end;
    }
    int datagramEnd = frameEnd(buffer, start, end);
    while (datagramEnd < end) {
      int next = frameEnd(buffer, datagramEnd, end);
      if (next - start > limit.datagramLength()) {
        break;
      }
      datagramEnd = next;
    }
    return datagramEnd;
  }

  private static int frameEnd(ByteBuffer buffer, int start, int end) {
    int inBufferOrder = buffer.getInt(start);
    int lengthBytes =
        buffer.order() == ByteOrder.LITTLE_ENDIAN
            ? inBufferOrder
            : Integer.reverseBytes(inBufferOrder);
    int alignedBytes = BitUtil.align(lengthBytes, FrameDescriptor.FRAME_ALIGNMENT);
    return Math.min(end, start + alignedBytes); // of padding, which is last, only a header is sent
  }

  @Override
  public void onNakMessage(
      NakFlyweight message, UnsafeBuffer buffer, int length, InetSocketAddress sender) {
    limit.lost();
    super.onNakMessage(message, buffer, length, sender);
  }
}
