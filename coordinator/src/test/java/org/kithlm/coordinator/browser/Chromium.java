package org.kithlm.coordinator.browser;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/**
 * A headless Chromium with a profile of its own. It reaches nothing but this machine, and ends with
 * the JVM that started it, however that ends.
 */
public final class Chromium implements AutoCloseable {
  private static final String VARIABLE = "KITH_TEST_CHROMIUM";

  /**
   * Starts a program and kills it when its own standard input ends, which is when the JVM that
   * holds the other end is gone. The error stream is left to the program alone, so that its end
   * tells that of the program.
   */
  private static final String LEASH = "\"$@\" </dev/null & exec 2>&-; cat; kill -9 $!";

  private static final Pattern LISTENING = Pattern.compile("DevTools listening on (ws://\\S+)");

  private final Process process;
  private final Path profile;
  private final DevTools tools;

  private Chromium(Process process, Path profile, DevTools tools) {
    this.process = process;
    this.profile = profile;
    this.tools = tools;
  }

  /**
   * Starts the browser.
   *
   * @throws TestAbortedException if this machine has none; the message says how to get one
   */
  public static Chromium start() throws IOException {
    Path program =
        find()
            .orElseThrow(
                () ->
                    new TestAbortedException(
                        "there is no Chromium here: install Debian's package chromium, or set "
                            + VARIABLE
                            + " to the program of one"));
    Path profile = Files.createTempDirectory("kith-chromium");
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                LEASH,
                "sh",
                program.toString(),
                "--headless=new",
                "--no-sandbox", // containers and root have none; the pages are our own
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--user-data-dir=" + profile,
                "--remote-debugging-port=0",
                "about:blank")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return new Chromium(process, profile, new DevTools(awaitAddress(process)));
    } catch (RuntimeException e) {
      end(process);
      throw e;
    }
  }

  private static Optional<Path> find() {
    String named = System.getenv(VARIABLE);
    if (named != null) {
      return Optional.of(Path.of(named));
    }
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    return Stream.of("chromium", "chromium-browser", "google-chrome")
        .flatMap(name -> Arrays.stream(path.split(":")).map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static URI awaitAddress(Process process) {
    CompletableFuture<URI> address = new CompletableFuture<>();
    Thread.ofPlatform().daemon().name("chromium-log").start(() -> readLog(process, address));
    return address.orTimeout(DevTools.TIMEOUT_SECONDS, TimeUnit.SECONDS).join();
  }

  private static void readLog(Process process, CompletableFuture<URI> address) {
    try (BufferedReader log =
        new BufferedReader(new InputStreamReader(process.getErrorStream(), UTF_8))) {
      for (String line = log.readLine(); line != null; line = log.readLine()) {
        Matcher matcher = LISTENING.matcher(line);
        if (matcher.find()) {
          address.complete(URI.create(matcher.group(1)));
        }
      }
      address.completeExceptionally(new IllegalStateException("Chromium ended at once"));
    } catch (IOException e) {
      address.completeExceptionally(e); // it was ended
    }
  }

  /** A new tab, with storage of its own. */
  public Tab newTab() {
    String context =
        tools.send(null, "Target.createBrowserContext").path("browserContextId").asText();
    String target =
        tools
            .send(null, "Target.createTarget", "url", "about:blank", "browserContextId", context)
            .path("targetId")
            .asText();
    String session =
        tools
            .send(null, "Target.attachToTarget", "targetId", target, "flatten", true)
            .path("sessionId")
            .asText();
    return new Tab(tools, session);
  }

  @Override
  public void close() throws IOException {
    tools.close();
    end(process);
    try (Stream<Path> files = Files.walk(profile)) {
      List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.deleteIfExists(file);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Ends the process and its children, and waits: they write to the profile until then. */
  private static void end(Process process) {
    List<ProcessHandle> all =
        Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle handle : all) {
      handle.onExit().orTimeout(DevTools.TIMEOUT_SECONDS, TimeUnit.SECONDS).join();
    }
  }
}
