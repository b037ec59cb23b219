package org.kithlm.transport.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.util.List;
import org.kithlm.transport.PeerAddress;

/**
 * The floor: rank 0 sends the payload to rank 1 in plain datagrams and has it sent back, with
 * blocking sockets and no repair. A round whose datagrams are lost is cut short by a timeout. Other
 * ranks take no part.
 */
final class UdpEcho implements Contender {
  private static final int TIMEOUT_MS = 500;

  /** Rank 1 may be early by what the other contenders take. */
  private static final int EARLY_TIMEOUT_MS = 120_000;

  private static final int SOCKET_BUFFER_BYTES = 2 * 1024 * 1024;

  private final int rank;
  private final int datagramBytes;
  private final DatagramSocket socket;
  private final DatagramPacket packet;
  private boolean started;

  /**
   * Binds the own address.
   *
   * @param datagramBytes largest datagram
   */
  UdpEcho(int rank, List<PeerAddress> peers, int datagramBytes) {
    this.rank = rank;
    this.datagramBytes = datagramBytes;
    PeerAddress own = peers.get(rank);
    PeerAddress other = peers.get(rank == 0 ? 1 : 0);
    try {
      socket = new DatagramSocket(new InetSocketAddress(own.host(), own.port()));
      socket.setReceiveBufferSize(SOCKET_BUFFER_BYTES);
      packet =
          new DatagramPacket(
              new byte[datagramBytes],
              datagramBytes,
              new InetSocketAddress(other.host(), other.port()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot receive at " + own, e);
    }
  }

  @Override
  public void begin(int length) {
    try {
      socket.setSoTimeout(rank == 0 ? TIMEOUT_MS : EARLY_TIMEOUT_MS);
      started = rank == 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void round(float[] values, int length) {
    int lengthBytes = length * Float.BYTES;
    try {
      if (rank == 0) {
        send(lengthBytes);
        receive(lengthBytes);
      } else if (rank == 1) {
        receive(lengthBytes);
        send(lengthBytes);
      }
    } catch (SocketTimeoutException e) {
      if (!started) {
        throw new UncheckedIOException("rank 0 sends nothing", e);
      }
      return; // lost: the round counts with what the timeout cost
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void send(int lengthBytes) throws IOException {
    for (int sent = 0; sent < lengthBytes; sent += datagramBytes) {
      packet.setLength(Math.min(datagramBytes, lengthBytes - sent));
      socket.send(packet);
    }
  }

  private void receive(int lengthBytes) throws IOException {
    for (int received = 0; received < lengthBytes; received += packet.getLength()) {
      packet.setLength(datagramBytes);
      socket.receive(packet);
      if (!started) {
        started = true;
        socket.setSoTimeout(TIMEOUT_MS);
      }
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}
