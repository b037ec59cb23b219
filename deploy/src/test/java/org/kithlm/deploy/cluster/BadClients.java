package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Clients that take an endpoint's connections and memory, until they are closed. */
final class BadClients implements AutoCloseable {
  private static final int TIMEOUT_MS = 60_000;
  private static final int PIECE_BYTES = 1 << 16;

  private final InetSocketAddress address;
  private final String headers;
  private final List<Socket> sockets = new ArrayList<>();

  BadClients(URI endpoint, String key) {
    address = new InetSocketAddress(endpoint.getHost(), endpoint.getPort());
    headers =
        "Host: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
            .formatted(key);
  }

  private Socket send(String text) throws IOException {
    Socket socket = new Socket();
    sockets.add(socket);
    socket.setSoTimeout(TIMEOUT_MS);
    socket.connect(address);
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    return socket;
  }

  /** Connections with nothing, or the beginning of a head or of a body. */
  void openSlowly(int count) throws IOException {
    String head = "POST /v1/chat/completions HTTP/1.1\r\n" + headers;
    String[] starts = {"", "P", head, head + "Content-Length: 100\r\n\r\n{"};
    for (int i = 0; i < count; i++) {
      send(starts[i % starts.length]);
    }
  }

  /** Bodies that are sent until they are refused, which they must be. */
  void sendLargeBodies(int count, long lengthBytes) throws IOException {
    byte[] piece = " ".repeat(PIECE_BYTES).getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < count; i++) {
      Socket socket =
          send(
              "POST /v1/chat/completions HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n"
                  .formatted(headers, lengthBytes));
      sendUntilAnswered(socket, piece);
      byte[] status = socket.getInputStream().readNBytes("HTTP/1.1 413".length());
      assertEquals("HTTP/1.1 413", new String(status, StandardCharsets.UTF_8));
    }
  }

  private static void sendUntilAnswered(Socket socket, byte[] piece) throws IOException {
    while (socket.getInputStream().available() == 0) {
      try {
        socket.getOutputStream().write(piece);
      } catch (IOException e) {
        return; // it was answered and closed meanwhile
      }
    }
  }

  /** Requests for streams that nobody reads. */
  void readNothing(int count, String model) throws IOException {
    String body =
        "{\"model\":\"%s\",\"prompt\":\"Once upon a time\",\"max_tokens\":4,\"stream\":true}"
            .formatted(model);
    for (int i = 0; i < count; i++) {
      send(
          "POST /v1/completions HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s"
              .formatted(headers, body.length(), body));
    }
  }

  @Override
  public void close() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
