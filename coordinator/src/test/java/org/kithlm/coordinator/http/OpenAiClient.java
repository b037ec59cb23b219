package org.kithlm.coordinator.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** The unmodified openai client of Python, in a venv of its own. */
public final class OpenAiClient {
  private static final String PACKAGE = "openai==3.54.0";
  private static final String SCRIPT = "openai_client.py";
  private static final long TIMEOUT_SECONDS = 300;

  private final Path folder;

  private OpenAiClient(Path folder) {
    this.folder = folder;
  }

  private record Result(int exitCode, String output) {}

  /**
   * Installs it where it is not there yet; skips the test where that is not possible.
   *
   * @param folder kept between tests, as this takes half a minute
   */
  public static OpenAiClient install(Path folder) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    OpenAiClient client = new OpenAiClient(folder);
    Result result = client.run("python3", "-m", "venv", folder.resolve("venv").toString());
    if (result.exitCode() == 0) {
      result = client.run(client.python(), "-m", "pip", "install", "--quiet", PACKAGE);
    }
    assumeTrue(
        result.exitCode() == 0,
        "needs python3 with venv and pip, and an index that has " + PACKAGE + ": " + result);
    try (InputStream script =
        Objects.requireNonNull(OpenAiClient.class.getResourceAsStream("/" + SCRIPT))) {
      Files.copy(script, folder.resolve(SCRIPT), StandardCopyOption.REPLACE_EXISTING);
    }
    return client;
  }

  /**
   * Runs checks of the script; the test fails if one of them does.
   *
   * @param baseUrl ends with /v1
   * @param checks their names; none for those that hold for every model
   */
  public void check(String baseUrl, String model, String key, String... checks)
      throws InterruptedException {
    List<String> command =
        new ArrayList<>(List.of(python(), folder.resolve(SCRIPT).toString(), baseUrl, model, key));
    command.addAll(List.of(checks));

    Result result = run(command.toArray(String[]::new));

    assertEquals(0, result.exitCode(), result.output());
    assertTrue(result.output().contains("ok "), result.output());
  }

  private String python() {
    return folder.resolve("venv/bin/python").toString();
  }

  private Result run(String... command) throws InterruptedException {
    Path log = folder.resolve("client.log");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return new Result(-1, "did not end within 300 s: " + Files.readString(log));
      }
      return new Result(process.exitValue(), Files.readString(log));
    } catch (IOException e) {
      return new Result(-1, String.valueOf(e.getMessage()));
    }
  }
}
