package org.kithlm.deploy.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithException;

/** A cluster in processes of its own that answers once and ends. */
public final class OneAnswer {
  private OneAnswer() {}

  /**
   * Runs {@code kith local --json} with this process's JVM flags and waits for its answer.
   *
   * @param options of kith local
   * @throws KithException if it fails or takes longer; the message has the last line of its errors
   */
  public static JsonNode of(List<String> options, Duration timeout)
      throws IOException, InterruptedException {
    List<String> command = OwnCommand.line();
    command.add("local");
    command.addAll(options);
    command.add("--json");
    Path answer = Files.createTempFile("kith-answer", ".json");
    Path errors = Files.createTempFile("kith-answer", ".err");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(answer.toFile())
              .redirectError(errors.toFile())
              .start();
      try {
        boolean ended = process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
        if (!ended || process.exitValue() != 0) {
          List<String> lines = Files.readAllLines(errors);
          throw new KithException(
              ExitCode.OTHER,
              "kith local %s %s: %s"
                  .formatted(
                      String.join(" ", options),
                      ended ? "failed" : "took longer than " + timeout.toSeconds() + " s",
                      lines.isEmpty() ? "no message" : lines.getLast()));
        }
      } finally {
        process.destroy(); // its nodes end with it
      }
      return Json.MAPPER.readTree(answer.toFile());
    } finally {
      Files.deleteIfExists(answer);
      Files.deleteIfExists(errors);
    }
  }
}
