package org.kithlm.transport.collective;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;

/** Passes datagrams between one sender and one receiver on loopback and loses some, both ways. */
final class LossyRelay implements AutoCloseable {
  private static final int LOST_PER_MILLE = 20;

  private final DatagramSocket senderSide;
  private final DatagramSocket receiverSide;
  private final AtomicInteger lost = new AtomicInteger();
  private volatile @Nullable SocketAddress sender;

  LossyRelay(PeerAddress receiver, long seed) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    senderSide = new DatagramSocket(0, loopback);
    receiverSide = new DatagramSocket(0, loopback);
    SocketAddress to = new InetSocketAddress(loopback, receiver.port());
    start(() -> relay(senderSide, receiverSide, to, new Random(seed)));
    start(() -> relay(receiverSide, senderSide, null, new Random(seed + 1)));
  }

  /** Where the sender is to send instead. */
  PeerAddress address(int rank) {
    return new PeerAddress(rank, "127.0.0.1", senderSide.getLocalPort());
  }

  int lost() {
    return lost.get();
  }

  /** Passes on to {@code to}, or back to the sender where it is null, until a socket closes. */
  private void relay(
      DatagramSocket from, DatagramSocket via, @Nullable SocketAddress to, Random random) {
    DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
    try {
      while (true) {
        packet.setLength(65_536);
        from.receive(packet);
        if (to != null) {
          sender = packet.getSocketAddress();
        }
        SocketAddress target = to != null ? to : sender;
        if (random.nextInt(1000) < LOST_PER_MILLE) {
          lost.incrementAndGet();
        } else if (target != null) {
          packet.setSocketAddress(target);
          via.send(packet);
        }
      }
    } catch (IOException e) {
      if (!from.isClosed() && !via.isClosed()) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static void start(Runnable loop) {
    Thread thread = new Thread(loop, "lossy-relay");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    senderSide.close();
    receiverSide.close();
  }
}
