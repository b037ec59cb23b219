package org.kithlm.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;

/**
 * Holds a UDP port until a session opens on it, so that its number can be told to others first.
 * {@link #close} it right before the session opens: only between these two calls could another
 * process take the port, and then the session fails to open with the address in the message.
 */
public final class DataPort implements AutoCloseable {
  private final DatagramSocket socket;

  private DataPort(DatagramSocket socket) {
    this.socket = socket;
  }

  /**
   * Takes a port.
   *
   * @param host local address to bind
   * @param port 0 for any free one
   * @throws UncheckedIOException if the port is in use or the address is not of this machine
   */
  public static DataPort reserve(String host, int port) {
    try {
      DatagramSocket socket = new DatagramSocket(null);
      try {
        socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
      } catch (IOException | RuntimeException e) {
        socket.close();
        throw e;
      }
      return new DataPort(socket);
    } catch (SocketException e) {
      throw new UncheckedIOException(
          "cannot bind UDP " + host + ":" + port + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot resolve " + host, e);
    }
  }

  /** The port's number. */
  public int port() {
    return socket.getLocalPort();
  }

  /** Gives the port up. Idempotent. */
  @Override
  public void close() {
    socket.close();
  }
}
