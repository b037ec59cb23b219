package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.generation.GenerationRefusedException.Reason;

/** The unmodified openai client of Python against the endpoint. */
class OpenAiClientIT {
  private static final String CLIENT = "openai==3.54.0";
  private static final Path SCRIPT = Path.of("src/test/python/openai_client.py");
  private static final String KEY = "s3cret";

  @TempDir static Path folder;

  private final TestEndpoint endpoint =
      new TestEndpoint(
          TestEndpoint.settings(KEY, Set.of(), TestEndpoint.limits(Duration.ofSeconds(60), 4096)));

  private record Result(int exitCode, String output) {}

  @BeforeAll
  static void installClient() throws Exception {
    Path log = folder.resolve("install.log");
    boolean installed =
        Files.exists(SCRIPT)
            && succeeds(run(log, "python3", "-m", "venv", folder.resolve("venv").toString()))
            && succeeds(run(log, python(), "-m", "pip", "install", "--quiet", CLIENT));
    assumeTrue(
        installed,
        () ->
            "needs python3 with venv and pip, and a package index for " + CLIENT + "; see " + log);
  }

  private static boolean succeeds(Result result) {
    if (result.exitCode() != 0) {
      System.err.println(result.output());
    }
    return result.exitCode() == 0;
  }

  private static String python() {
    return folder.resolve("venv/bin/python").toString();
  }

  private static Result run(Path log, String... command) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      if (!process.waitFor(300, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return new Result(-1, "did not end within 300 s: " + Files.readString(log));
      }
      return new Result(process.exitValue(), Files.readString(log));
    } catch (IOException e) {
      return new Result(-1, String.valueOf(e.getMessage()));
    }
  }

  private void check(String... checks) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                python(),
                SCRIPT.toString(),
                endpoint.uri("/v1").toString(),
                FakeChatService.MODEL,
                KEY));
    command.addAll(List.of(checks));

    Result result = run(folder.resolve("client.log"), command.toArray(String[]::new));

    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("ok "), result.output());
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  @Test
  void shouldServeTheOpenAiClient() throws Exception {
    endpoint.service.script = FakeChatService.Run::sayWithinLimit;

    check();
  }

  @Test
  void shouldLimitTheOpenAiClient() throws Exception {
    endpoint.service.refusal = Reason.QUEUE_FULL;

    check("rate_limit");
  }

  @Test
  void shouldTellTheOpenAiClientOfFailures() throws Exception {
    endpoint.service.script = run -> run.say("He").fail("rank 1 is lost");

    check("failure");

    // One whole and one streamed: neither was repeated.
    assertEquals(2, endpoint.service.runs.size());
  }
}
