package org.kithlm.deploy.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Answers one request per connection with given bytes, then closes, resets or keeps it. */
final class ScriptedServer implements AutoCloseable {
  static final String MODELS = json(200, "{\"data\":[{\"id\":\"m\"}]}");

  /** Makes the client see "connection reset" after what came before it. */
  static final String RESET = "<reset>";

  /** Keeps the connection open after what came before it, until the client ends it. */
  static final String HELD = "<held>";

  private static final int BODY_MAX = 1 << 16;

  private final ServerSocket listener;

  /** Heads and bodies as they came. */
  final List<String> requests = new CopyOnWriteArrayList<>();

  ScriptedServer(String... responses) throws IOException {
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(() -> serve(responses));
  }

  static String json(int status, String body) {
    return "HTTP/1.1 %d x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        .formatted(status, body.length(), body);
  }

  /** A chunked answer of one chunk, without its end. */
  static String openStream(String events) {
    int length = events.getBytes(StandardCharsets.UTF_8).length;
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n%x\r\n%s\r\n"
        .formatted(length, events);
  }

  /** A whole chunked answer. */
  static String stream(String events) {
    return openStream(events) + "0\r\n\r\n";
  }

  URI url() {
    return URI.create("http://127.0.0.1:" + listener.getLocalPort());
  }

  private void serve(String... responses) {
    for (String response : responses) {
      try (Socket socket = listener.accept()) {
        requests.add(read(socket));
        String text = response.replace(RESET, "").replace(HELD, "");
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        if (response.endsWith(HELD)) {
          awaitEnd(socket);
        } else if (response.endsWith(RESET)) {
          socket.setSoLinger(true, 0);
        }
      } catch (IOException e) {
        return; // closed by the test
      }
    }
  }

  private static void awaitEnd(Socket socket) {
    try {
      socket.getInputStream().transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      // A reset is an end too.
    }
  }

  private static String read(Socket socket) throws IOException {
    BufferedReader in =
        new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
    StringBuilder request = new StringBuilder();
    int length = 0;
    for (@Nullable String line = in.readLine();
        line != null && !line.isEmpty();
        line = in.readLine()) {
      request.append(line).append('\n');
      if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(line.indexOf(':') + 1).strip());
      }
    }
    if (length > BODY_MAX) {
      throw new IOException("length=" + length);
    }
    for (int i = 0; i < length; i++) {
      request.append((char) in.read());
    }
    return request.toString();
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
