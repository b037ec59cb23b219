package org.kithlm.node.shard;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.kithlm.node.control.NodeMessage.ByteRun;

/** Serves runs of an array, well or badly. */
final class RunServer implements AutoCloseable {
  private static final int OK = 200;

  /** What an answer is like. */
  interface Fault {
    /**
     * Answers in place of the server.
     *
     * @param request number of the request, from 0
     * @param asked the right bytes
     * @return whether it did
     */
    boolean answers(int request, HttpExchange exchange, byte[] asked) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong servedBytes = new AtomicLong();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final byte[] file;
  private volatile Fault fault = (request, exchange, asked) -> false;

  RunServer(byte[] file) throws IOException {
    this.file = file.clone();
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/pack", this::handle);
    server.setExecutor(threads);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/pack";
  }

  /** Counts requests and bytes anew and answers with a fault from now on. */
  void with(Fault newFault) {
    fault = newFault;
    requests.set(0);
    servedBytes.set(0);
  }

  int requests() {
    return requests.get();
  }

  long servedBytes() {
    return servedBytes.get();
  }

  /** Sends a part of a body and then nothing until the server is closed. */
  void stall(HttpExchange exchange, byte[] asked) throws IOException {
    exchange.sendResponseHeaders(OK, asked.length);
    exchange.getResponseBody().write(asked, 0, asked.length / 2);
    exchange.getResponseBody().flush();
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static void send(HttpExchange exchange, byte[] body) throws IOException {
    exchange.sendResponseHeaders(OK, body.length);
    exchange.getResponseBody().write(body);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (ByteRun run : RunsRequest.read(exchange.getRequestBody().readAllBytes())) {
        bytes.write(file, (int) run.offsetBytes(), (int) run.lengthBytes());
      }
      byte[] asked = bytes.toByteArray();
      if (!fault.answers(requests.getAndIncrement(), exchange, asked)) {
        servedBytes.addAndGet(asked.length);
        send(exchange, asked);
      }
    }
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
