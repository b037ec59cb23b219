package org.kithlm.transport.bench;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.kithlm.transport.PeerAddress;

/** How the ranks of a benchmark meet over TCP; each waits up to a minute for another. */
final class TcpConnect {
  private static final long CONNECT_NS = TimeUnit.SECONDS.toNanos(60);
  private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(20);

  private TcpConnect() {}

  /** Takes up to {@code backlog} connections at the address of a rank. */
  static ServerSocket listen(PeerAddress own, int backlog) throws IOException {
    ServerSocket server = new ServerSocket(own.port(), backlog, InetAddress.getByName(own.host()));
    server.setSoTimeout((int) TimeUnit.NANOSECONDS.toMillis(CONNECT_NS));
    return server;
  }

  /** Connects to a rank, which may listen later than now. */
  static Socket to(PeerAddress peer) throws IOException {
    long startNs = System.nanoTime();
    while (true) {
      Socket socket = new Socket();
      try {
        socket.connect(new InetSocketAddress(peer.host(), peer.port()));
        return socket;
      } catch (ConnectException e) {
        socket.close();
        if (System.nanoTime() - startNs > CONNECT_NS) {
          throw e;
        }
        LockSupport.parkNanos(LOOK_NS); // the peer is not there yet
      }
    }
  }
}
