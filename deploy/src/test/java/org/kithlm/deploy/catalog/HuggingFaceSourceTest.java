package org.kithlm.deploy.catalog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

class HuggingFaceSourceTest {
  private static final String ID = "hf:owner/repo/sub/model.gguf";
  private static final String PATH = "/owner/repo/resolve/main/sub/model.gguf";
  private static final byte[] FILE = Bytes.random(1, 3_000_000);
  private static final Expected EXPECTED = new Expected(Bytes.sha256(FILE), FILE.length);
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path folder;
  private final RecordingProgress progress = new RecordingProgress();
  private final List<Headers> requests = new CopyOnWriteArrayList<>();
  private final ExecutorService executor = Executors.newCachedThreadPool();
  private HttpServer hub;

  @BeforeEach
  void start() throws IOException {
    hub = server();
  }

  private HttpServer server() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(executor);
    server.start();
    return server;
  }

  @AfterEach
  void stop() {
    hub.stop(0);
    executor.shutdownNow();
  }

  private void answer(HttpHandler handler) {
    answer(hub, PATH, handler);
  }

  private void answer(HttpServer server, String path, HttpHandler handler) {
    server.createContext(
        path,
        exchange -> {
          requests.add(exchange.getRequestHeaders());
          try (exchange) {
            handler.handle(exchange);
          }
        });
  }

  private static void send(HttpExchange exchange, int status, byte[] bytes) throws IOException {
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static String url(HttpServer server) {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private String fetch(Expected expected, Duration stall, Map<String, String> more)
      throws IOException, InterruptedException {
    Map<String, String> environment = new HashMap<>(more);
    environment.putIfAbsent("HF_ENDPOINT", url(hub) + "/");
    try (PartialFile part = new PartialFile(folder, progress)) {
      new HuggingFaceSource(ID, environment, stall).fetch(part, expected);
      assertTrue(part.isComplete());
      return part.sha256();
    }
  }

  private KithException failure(Duration stall) {
    return assertThrows(KithException.class, () -> fetch(EXPECTED, stall, Map.of()));
  }

  @Test
  void shouldFetchAFile() throws Exception {
    answer(exchange -> send(exchange, 200, FILE));
    assertEquals(EXPECTED.sha256(), fetch(EXPECTED, LONG, Map.of()));
    assertArrayEquals(FILE, Files.readAllBytes(folder.resolve("model.gguf.part")));
    assertEquals(List.of("downloading 0/3000000"), progress.phases);
    assertEquals(FILE.length, progress.doneBytes);
    assertNull(requests.getFirst().getFirst("Authorization"));
  }

  /** Sends half of the file, as long as it says the whole is. */
  private static void sendHalf(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("ETag", "\"one\"");
    exchange.sendResponseHeaders(200, FILE.length);
    exchange.getResponseBody().write(FILE, 0, FILE.length / 2);
    exchange.getResponseBody().flush();
  }

  /** Sends half and waits until the client has it, then breaks the connection off. */
  private void breakOff() {
    CountDownLatch done = new CountDownLatch(1);
    answer(
        exchange -> {
          sendHalf(exchange);
          await(done);
        });
    KithException failure = failure(Duration.ofSeconds(2));
    done.countDown();
    assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
    assertEquals(
        "127.0.0.1:"
            + hub.getAddress().getPort()
            + " broke off after 1.5 MB (no data for 2000 ms); pull again to go on from there",
        failure.getMessage());
    hub.removeContext(PATH);
    requests.clear();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void shouldGoOnAfterAStall() throws Exception {
    breakOff();
    answer(
        exchange -> {
          exchange
              .getResponseHeaders()
              .set("Content-Range", "bytes 1500000-2999999/" + FILE.length);
          send(exchange, 206, Arrays.copyOfRange(FILE, FILE.length / 2, FILE.length));
        });
    assertEquals(EXPECTED.sha256(), fetch(EXPECTED, LONG, Map.of()));
    assertEquals("bytes=1500000-", requests.getFirst().getFirst("Range"));
    assertEquals("\"one\"", requests.getFirst().getFirst("If-Range"));
    assertEquals("downloading 1500000/3000000", progress.phases.getLast());
  }

  @Test
  void shouldStartOverWhenTheFileHasChanged() throws Exception {
    breakOff();
    byte[] other = Bytes.random(2, 1000);
    answer(exchange -> send(exchange, 200, other));
    assertEquals(Bytes.sha256(other), fetch(Expected.ANYTHING, LONG, Map.of()));
    assertEquals("downloading 0/1000", progress.phases.getLast());
  }

  @Test
  void shouldRefuseARangeItDidNotAskFor() throws Exception {
    breakOff();
    answer(
        exchange -> {
          exchange.getResponseHeaders().set("Content-Range", "bytes 0-2999999/3000000");
          send(exchange, 206, FILE);
        });
    assertTrue(
        String.valueOf(failure(LONG).getMessage())
            .endsWith("\"bytes 0-2999999/3000000\", asked for the bytes from 1500000"));
  }

  @Test
  void shouldTellWhenTheConnectionBreaks() {
    answer(HuggingFaceSourceTest::sendHalf); // and closes it
    KithException failure = failure(LONG);
    assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
    assertTrue(String.valueOf(failure.getMessage()).contains(" broke off after "));
  }

  @Test
  void shouldSendTheTokenToTheHubButNotWhereItRedirects() throws Exception {
    HttpServer storage = server();
    try {
      answer(
          exchange -> {
            exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + EXPECTED.sha256() + "\"");
            exchange.getResponseHeaders().set("Location", url(storage) + "/blob?signed=1");
            send(exchange, 302, new byte[0]);
          });
      answer(storage, "/blob", exchange -> send(exchange, 200, FILE));
      assertEquals(EXPECTED.sha256(), fetch(EXPECTED, LONG, Map.of("HF_TOKEN", " secret ")));
    } finally {
      storage.stop(0);
    }
    assertEquals("Bearer secret", requests.getFirst().getFirst("Authorization"));
    assertEquals(2, requests.size());
    assertNull(requests.getLast().getFirst("Authorization"));
  }

  @Test
  void shouldRefuseEndlessRedirects() {
    answer(
        exchange -> {
          exchange.getResponseHeaders().set("Location", PATH);
          send(exchange, 307, new byte[0]);
        });
    assertTrue(String.valueOf(failure(LONG).getMessage()).endsWith("redirects more than 5 times"));
    assertEquals(6, requests.size());
  }

  @Test
  void shouldRefuseARedirectToAFile() {
    answer(
        exchange -> {
          exchange.getResponseHeaders().set("Location", "file:///etc/passwd");
          send(exchange, 302, new byte[0]);
        });
    assertTrue(String.valueOf(failure(LONG).getMessage()).endsWith(": not secure"));
  }

  @Test
  void shouldRefuseAnotherFileBeforeFetchingIt() {
    String other = "0".repeat(64);
    answer(
        exchange -> {
          exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + other + "\"");
          exchange.getResponseHeaders().set("Location", url(hub) + "/blob");
          send(exchange, 302, new byte[0]);
        });
    KithException failure = failure(LONG);
    assertEquals(ExitCode.OTHER, failure.exitCode());
    assertEquals(
        "holds another file: SHA-256 " + other + ", expected " + EXPECTED.sha256(),
        failure.getMessage());
    assertEquals(1, requests.size());
  }

  @Test
  void shouldRefuseAFileOfAnotherLength() {
    answer(exchange -> send(exchange, 200, new byte[10]));
    assertEquals("holds another file: 10 bytes, expected 3000000", failure(LONG).getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "401, NOT_AUTHORISED, needs a token: set HF_TOKEN",
    "403, NOT_AUTHORISED, needs a token: set HF_TOKEN",
    "404, OTHER, does not exist (404)",
    "416, OTHER, changed since the download began (416)",
    "429, UNREACHABLE, answered 429",
    "503, UNREACHABLE, answered 503"
  })
  void shouldTellWhyTheHubRefuses(int status, ExitCode exitCode, String message) {
    answer(exchange -> send(exchange, status, new byte[0]));
    KithException failure = failure(LONG);
    assertEquals(exitCode, failure.exitCode());
    assertTrue(
        String.valueOf(failure.getMessage()).startsWith(url(hub) + PATH), failure.getMessage());
    assertTrue(String.valueOf(failure.getMessage()).endsWith(message), failure.getMessage());
  }

  @Test
  void shouldTellThatTheHubCannotBeReached() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    KithException failure =
        assertThrows(
            KithException.class,
            () -> fetch(EXPECTED, LONG, Map.of("HF_ENDPOINT", "http://127.0.0.1:" + port)));
    assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
    assertEquals(
        "127.0.0.1:" + port + " cannot be reached: ConnectException", failure.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"hf:", "hf:model.gguf", "hf:owner/repo/model.bin", "hf:owner/repo/a?b.gguf"})
  void shouldRefuseWhatIsNoReference(String id) {
    KithException failure =
        assertThrows(KithException.class, () -> new HuggingFaceSource(id, Map.of(), LONG));
    assertEquals(ExitCode.USAGE, failure.exitCode());
    assertEquals("\"" + id + "\" is not of the form hf:owner/repo/file.gguf", failure.getMessage());
  }
}
