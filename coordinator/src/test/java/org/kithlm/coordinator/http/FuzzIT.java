package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Drawn requests against the endpoint, for some seconds; {@code .ci/fuzz} draws for longer. */
class FuzzIT {
  private static final Path PROJECT = Path.of(System.getProperty("kith.project.dir"));
  private static final int TOOL_MISSING = 3;
  private static final long TIMEOUT_SECONDS = 300;

  private final TestEndpoint endpoint = new TestEndpoint();

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private int fuzz(Path log, String... more) throws Exception {
    String[] command = new String[more.length + 3];
    command[0] = "bash";
    command[1] = PROJECT.resolve(".ci").resolve("fuzz").toString();
    command[2] = endpoint.uri("").toString();
    System.arraycopy(more, 0, command, 3, more.length);
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    assertTrue(process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS), "it hangs");
    return process.exitValue();
  }

  @Test
  void shouldAnswerDrawnRequests() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;
    endpoint.cluster.serve("desk", "attic");
    Path log = Files.createDirectories(PROJECT.resolve("target")).resolve("fuzz.log");

    int exitCode = fuzz(log, "--seed", "20261128", "-n", "20", "--no-shrink", "--max-time", "15");

    assumeTrue(
        exitCode != TOOL_MISSING,
        "needs python3 with venv and pip, and an index that has schemathesis");
    assertEquals(0, exitCode, Files.readString(log));
    assertFalse(endpoint.service.runs.isEmpty(), "no request was valid");
  }
}
