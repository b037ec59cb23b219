package org.kithlm.node.shard;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Serves ranges of an array, well or badly. */
final class RangeServer implements AutoCloseable {
  private static final int PARTIAL_CONTENT = 206;

  /** What an answer is like. */
  interface Fault {
    /**
     * Answers in place of the server.
     *
     * @param request number of the request, from 0
     * @param range the right bytes
     * @return whether it did
     */
    boolean answers(int request, HttpExchange exchange, byte[] range) throws IOException;
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong servedBytes = new AtomicLong();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final byte[] file;
  private volatile Fault fault = (request, exchange, range) -> false;

  RangeServer(byte[] file) throws IOException {
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
  void stall(HttpExchange exchange, byte[] range) throws IOException {
    exchange.sendResponseHeaders(PARTIAL_CONTENT, range.length);
    exchange.getResponseBody().write(range, 0, range.length / 2);
    exchange.getResponseBody().flush();
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  static void send(HttpExchange exchange, byte[] body) throws IOException {
    exchange.sendResponseHeaders(PARTIAL_CONTENT, body.length);
    exchange.getResponseBody().write(body);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String[] ends =
          exchange.getRequestHeaders().getFirst("Range").substring("bytes=".length()).split("-", 2);
      byte[] range =
          Arrays.copyOfRange(file, Integer.parseInt(ends[0]), Integer.parseInt(ends[1]) + 1);
      if (!fault.answers(requests.getAndIncrement(), exchange, range)) {
        servedBytes.addAndGet(range.length);
        send(exchange, range);
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
