package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogsTest {
  /** Above what Linux and macOS give to processes. */
  private static final long NO_PROCESS = 99_999_999L;

  @TempDir Path logs;

  private Path oldRun(int day, long pid) throws IOException {
    Path run = Files.createDirectory(logs.resolve("202001%02d-120000-%d".formatted(day, pid)));
    Files.writeString(run.resolve("node-1.log"), "old");
    return run;
  }

  @Test
  void shouldKeepTheNewestTenRuns() throws IOException {
    Path oldest = oldRun(1, NO_PROCESS);
    for (int day = 2; day <= 11; day++) {
      oldRun(day, NO_PROCESS);
    }
    Path run = RunLogs.create(logs);
    assertTrue(Files.isDirectory(run));
    assertFalse(Files.exists(oldest));
    try (Stream<Path> left = Files.list(logs)) {
      assertEquals(10, left.count());
    }
  }

  @Test
  void shouldKeepWhatARunningProcessWritesAndWhatIsNoRun() throws IOException {
    Path running = oldRun(1, ProcessHandle.current().pid());
    Path foreign = Files.writeString(logs.resolve("node-1.log"), "not of a run");
    for (int day = 2; day <= 12; day++) {
      oldRun(day, NO_PROCESS);
    }
    RunLogs.create(logs);
    assertTrue(Files.exists(running.resolve("node-1.log")));
    assertTrue(Files.exists(foreign));
  }

  @Test
  void shouldGiveARunItsOwnFolder() throws IOException {
    Path run = RunLogs.create(logs);
    assertTrue(run.toString().endsWith("-" + ProcessHandle.current().pid()), run::toString);
  }
}
