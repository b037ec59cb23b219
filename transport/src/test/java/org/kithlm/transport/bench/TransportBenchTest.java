package org.kithlm.transport.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TransportBenchTest {
  private static final String HOST = "127.0.0.1";

  // Below the range of ports that systems give out by themselves.
  private static final int PORT = 20_000 + (int) (ProcessHandle.current().pid() % 200) * 30;

  private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(5);

  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void endThreads() {
    threads.shutdownNow();
  }

  private Future<?> listen() {
    return threads.submit(
        () -> {
          BenchPair.listen(HOST, PORT);
          return null;
        });
  }

  /** Once somebody listens. */
  private static BenchResult connect(BenchSettings settings) throws IOException {
    while (true) {
      try {
        return BenchPair.connect(HOST, PORT, settings);
      } catch (ConnectException e) {
        LockSupport.parkNanos(LOOK_NS);
      }
    }
  }

  private static Socket connectedSocket() throws IOException {
    while (true) {
      try {
        return new Socket(InetAddress.getLoopbackAddress(), PORT);
      } catch (ConnectException e) {
        LockSupport.parkNanos(LOOK_NS); // nobody listens yet
      }
    }
  }

  @Test
  void shouldMeasureEachContenderAndPayloadBetweenTwo() throws Exception {
    BenchSettings settings =
        new BenchSettings(
            List.of(400, 4000),
            20,
            2,
            0,
            List.of("udp", "tcp", "star", "direct-sealed", "two-shot", "auto"));
    Future<?> other = listen();
    BenchResult result = connect(settings);
    other.get(30, TimeUnit.SECONDS);
    assertEquals(
        List.of("udp", "tcp", "star", "direct-sealed", "two-shot", "auto"),
        result.rows().stream()
            .filter(row -> row.payloadBytes() == 4000)
            .map(BenchResult.Row::contender)
            .toList());
    assertEquals(12, result.rows().size());
    assertTrue(result.rows().stream().allMatch(row -> row.p50Us() > 0), result::toString);

    StringWriter printed = new StringWriter();
    result.print(new PrintWriter(printed));
    List<String> lines = printed.toString().lines().toList();
    assertEquals(3 + 12, lines.size(), lines::toString);
    assertTrue(
        lines.get(1).matches("auto: one way .*: 400 by [A-Z_]+, 4000 by [A-Z_]+"), lines::toString);
    assertTrue(
        lines.stream().anyMatch(line -> line.matches(" +4000 direct-sealed( +\\d+\\.\\d){4}")),
        lines::toString);
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET / HTTP/1.1", "rounds=many", "rounds=2000000", "contenders=mesh"})
  void shouldTakePartOnlyInWhatItUnderstands(String line) throws Exception {
    Future<?> listening = listen();
    try (Socket socket = connectedSocket()) {
      socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.US_ASCII));
    }
    ExecutionException failure =
        assertThrows(ExecutionException.class, () -> listening.get(30, TimeUnit.SECONDS));
    assertTrue(failure.getCause() instanceof IllegalArgumentException, failure::toString);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"bytes=0", "rounds=1", "batches=1", "contenders=udp-sealed", "contenders=tcp,tcp"})
  void shouldSayWhatIsWrongWithAnOption(String option) {
    Map<String, String> options = TransportBench.options(List.of(option));
    String message =
        assertThrows(IllegalArgumentException.class, () -> BenchSettings.of(options)).getMessage();
    assertTrue(String.valueOf(message).startsWith(option.substring(0, 5)), message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rank", "rank=0", "peers=here"})
  void shouldSayWhatIsMissing(String option) {
    assertThrows(IllegalArgumentException.class, () -> TransportBench.main(new String[] {option}));
  }
}
