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

/** An unmodified client of Python in a venv, and a script that drives it. */
public final class PythonClient {
  private static final long TIMEOUT_SECONDS = 300;

  private final Path folder;
  private final String script;

  private PythonClient(Path folder, String script) {
    this.folder = folder;
    this.script = script;
  }

  private record Result(int exitCode, String output) {}

  /** Python's client of OpenAI, see {@link #install}. */
  public static PythonClient openAi() throws IOException, InterruptedException {
    return install("openai_client.py", "openai==3.54.0");
  }

  /** Python's client of Ollama, see {@link #install}. */
  public static PythonClient ollama() throws IOException, InterruptedException {
    return install("ollama_client.py", "ollama==0.6.3");
  }

  /** LangChain for Python, with OpenAI's client, see {@link #install}. */
  public static PythonClient langChain() throws IOException, InterruptedException {
    return install("langchain_client.py", "langchain-openai==1.7.3", "openai==3.54.0");
  }

  /** The calls of Open WebUI, see {@link #install}. */
  public static PythonClient openWebUi() throws IOException, InterruptedException {
    return install("open_webui_calls.py");
  }

  /**
   * Installs packages where they are not there yet, into a venv that all clients share and that is
   * kept between tests, as this takes half a minute; skips the test where that is not possible.
   *
   * @param script name of a resource
   * @param packages with their versions
   */
  private static PythonClient install(String script, String... packages)
      throws IOException, InterruptedException {
    Path folder = Path.of(System.getProperty("kith.project.dir"), "target", "python-clients");
    Files.createDirectories(folder);
    PythonClient client = new PythonClient(folder, script);
    Result result =
        Files.exists(folder.resolve("venv").resolve("bin").resolve("pip"))
            ? new Result(0, "")
            : client.run("python3", "-m", "venv", folder.resolve("venv").toString());
    if (result.exitCode() == 0 && packages.length > 0) {
      List<String> pip = new ArrayList<>(List.of(client.python(), "-m", "pip", "install", "-q"));
      pip.addAll(List.of(packages));
      result = client.run(pip.toArray(String[]::new));
    }
    assumeTrue(
        result.exitCode() == 0,
        "needs python3 with venv and pip, and an index that has "
            + String.join(" ", packages)
            + ": "
            + result);
    try (InputStream resource =
        Objects.requireNonNull(PythonClient.class.getResourceAsStream("/" + script))) {
      Files.copy(resource, folder.resolve(script), StandardCopyOption.REPLACE_EXISTING);
    }
    return client;
  }

  /**
   * Runs checks of the script; the test fails if one of them does.
   *
   * @param baseUrl as the client wants it
   * @param checks their names; none for those that hold for every model
   */
  public void check(String baseUrl, String model, String key, String... checks)
      throws InterruptedException {
    List<String> command =
        new ArrayList<>(List.of(python(), folder.resolve(script).toString(), baseUrl, model, key));
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
