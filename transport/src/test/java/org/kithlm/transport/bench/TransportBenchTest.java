package org.kithlm.transport.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TransportBenchTest {
  @Test
  void shouldPrintALinePerContenderAndPayload() throws Exception {
    // Below the range of ports that systems give out by themselves.
    int port = 20_000 + (int) (ProcessHandle.current().pid() % 500) * 20;
    String peers = "peers=127.0.0.1:" + port + ",127.0.0.1:" + (port + 10);
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      Future<?> other =
          threads.submit(
              () -> {
                TransportBench.run(
                    List.of(peers, "rank=1", "rounds=20", "batches=2", "bytes=400,4000"), out);
                return null;
              });
      TransportBench.run(List.of(peers, "rounds=20", "batches=2", "bytes=400,4000"), out);
      other.get(30, TimeUnit.SECONDS);
    }
    List<String> lines = printed.toString(StandardCharsets.UTF_8).lines().toList();
    assertEquals(3 + 2 * 6, lines.size(), lines::toString);
    assertTrue(
        lines.stream().anyMatch(line -> line.matches(" +4000 two-shot( +\\d+\\.\\d){4}")),
        lines::toString);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rank", "rank=0", "peers=here"})
  void shouldSayWhatIsWrongWithAnOption(String option) {
    assertThrows(
        IllegalArgumentException.class, () -> TransportBench.run(List.of(option), System.out));
  }
}
