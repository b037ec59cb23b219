package org.kithlm.transport.collective;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.kithlm.transport.PeerAddress;

/** Passes datagrams between one sender and one receiver on loopback; loses or delays, both ways. */
final class Relay implements AutoCloseable {
  private static final int ANY_LENGTH = Integer.MAX_VALUE;

  private final int lostPerMille;
  private final int longestBytes;
  private final ToLongFunction<Random> delayNs;
  private final ScheduledExecutorService late = Executors.newSingleThreadScheduledExecutor();
  private final DatagramSocket senderSide;
  private final DatagramSocket receiverSide;
  private final AtomicInteger lost = new AtomicInteger();
  private volatile @Nullable SocketAddress sender;

  private Relay(
      PeerAddress receiver,
      long seed,
      int lostPerMille,
      int longestBytes,
      ToLongFunction<Random> delayNs)
      throws IOException {
    this.lostPerMille = lostPerMille;
    this.longestBytes = longestBytes;
    this.delayNs = delayNs;
    InetAddress loopback = InetAddress.getLoopbackAddress();
    senderSide = new DatagramSocket(0, loopback);
    receiverSide = new DatagramSocket(0, loopback);
    SocketAddress to = new InetSocketAddress(loopback, receiver.port());
    start(() -> relay(senderSide, receiverSide, to, new Random(seed)));
    start(() -> relay(receiverSide, senderSide, null, new Random(seed + 1)));
  }

  /** Loses one of fifty. */
  static Relay losing(PeerAddress receiver, long seed) throws IOException {
    return new Relay(receiver, seed, 20, ANY_LENGTH, random -> 0);
  }

  /** Loses all that are longer than {@code longestBytes}, as paths do that drop fragments. */
  static Relay narrow(PeerAddress receiver, int longestBytes) throws IOException {
    return new Relay(receiver, 0, 0, longestBytes, random -> 0);
  }

  /** Passes each on after a while, any number at once. */
  static Relay delaying(PeerAddress receiver, long delayNs) throws IOException {
    return new Relay(receiver, 0, 0, ANY_LENGTH, random -> delayNs);
  }

  /**
   * Loses some, and all that are longer than {@code longestBytes}; holds one of ten back for up to
   * {@code jitterNs}, while others pass it.
   */
  static Relay unsteady(
      PeerAddress receiver, long seed, int lostPerMille, int longestBytes, int jitterNs)
      throws IOException {
    return new Relay(
        receiver,
        seed,
        lostPerMille,
        longestBytes,
        random -> random.nextInt(10) == 0 ? random.nextInt(jitterNs) : 0);
  }

  /** Where the sender is to send instead. */
  PeerAddress address(int rank) {
    return new PeerAddress(rank, "127.0.0.1", senderSide.getLocalPort());
  }

  int lost() {
    return lost.get();
  }

  /** Passes on to {@code to}, or back to the sender where it is null, until a socket closes. */
  @SuppressWarnings("FutureReturnValueIgnored") // fails where this relay is closed meanwhile
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
        long heldNs = delayNs.applyAsLong(random);
        if (packet.getLength() > longestBytes || random.nextInt(1000) < lostPerMille) {
          lost.incrementAndGet();
        } else if (target != null && heldNs > 0) {
          byte[] bytes = Arrays.copyOf(packet.getData(), packet.getLength());
          DatagramPacket copy = new DatagramPacket(bytes, bytes.length, target);
          late.schedule(
              () -> {
                via.send(copy);
                return null;
              },
              heldNs,
              TimeUnit.NANOSECONDS);
        } else if (target != null) {
          packet.setSocketAddress(target);
          via.send(packet);
        }
      }
    } catch (IOException | RejectedExecutionException e) {
      if (!from.isClosed() && !via.isClosed()) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static void start(Runnable loop) {
    Thread thread = new Thread(loop, "relay");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    late.shutdownNow();
    senderSide.close();
    receiverSide.close();
  }
}
