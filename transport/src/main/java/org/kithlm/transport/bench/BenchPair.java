package org.kithlm.transport.bench;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.kithlm.transport.PeerAddress;

/**
 * A run between two machines, without a cluster: one listens and is rank 1, the other connects,
 * says what is measured, and is rank 0. Ports from the one that is listened at on are used, at the
 * one side {@value BenchSettings#CONTENDERS_MAX} and at the other as many behind them.
 */
public final class BenchPair {
  private static final int LISTEN_TIMEOUT_MS = (int) TimeUnit.MINUTES.toMillis(10);
  private static final int ANSWER_TIMEOUT_MS = (int) TimeUnit.SECONDS.toMillis(10);
  private static final int LINE_MAX = 1000;

  private BenchPair() {}

  /**
   * Waits for the other side, ten minutes at most, and takes part in one run.
   *
   * @param host address of this machine that the other one reaches
   * @throws IOException if the port is taken or nobody connects
   * @throws IllegalArgumentException if the other side wants what is not understood
   */
  public static void listen(String host, int port) throws IOException {
    PeerAddress other;
    BenchSettings settings;
    try (ServerSocket server = new ServerSocket()) {
      server.bind(new InetSocketAddress(host, port));
      server.setSoTimeout(LISTEN_TIMEOUT_MS);
      try (Socket socket = server.accept()) {
        socket.setSoTimeout(ANSWER_TIMEOUT_MS);
        settings = BenchSettings.of(TransportBench.options(List.of(line(socket).split(" ", -1))));
        // Where it is said to be is where it came from: nobody can aim the run at a third machine.
        other = connectingPeer(socket.getInetAddress(), port);
        socket.getOutputStream().write('\n');
      }
    }
    TransportBench.run(settings, 1, List.of(other, listeningPeer(host, port)));
  }

  /**
   * Runs with the machine that listens.
   *
   * @throws IOException if nobody listens there
   */
  public static BenchResult connect(String host, int port, BenchSettings settings)
      throws IOException {
    PeerAddress own;
    PeerAddress other;
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(host, port), ANSWER_TIMEOUT_MS);
      socket.setSoTimeout(ANSWER_TIMEOUT_MS);
      String line =
          settings.options().entrySet().stream()
              .map(option -> option.getKey() + "=" + option.getValue())
              .collect(Collectors.joining(" "));
      socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.US_ASCII));
      if (socket.getInputStream().read() != '\n') {
        throw new IOException("it does not take part, see what it says");
      }
      own = connectingPeer(socket.getLocalAddress(), port);
      other = listeningPeer(socket.getInetAddress().getHostAddress(), port);
    }
    return TransportBench.run(settings, 0, List.of(own, other));
  }

  /** A line of ASCII of bounded length. */
  private static String line(Socket socket) throws IOException {
    StringBuilder line = new StringBuilder();
    InputStream in = socket.getInputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0 || line.length() >= LINE_MAX) {
        throw new IOException(socket.getInetAddress() + " connected but is no kith bench");
      }
      line.append((char) next);
    }
    return line.toString();
  }

  private static PeerAddress connectingPeer(InetAddress address, int port) {
    return new PeerAddress(0, address.getHostAddress(), port + 1 + BenchSettings.CONTENDERS_MAX);
  }

  private static PeerAddress listeningPeer(String host, int port) {
    return new PeerAddress(1, host, port + 1);
  }
}
