package org.kithlm.deploy.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.kithlm.deploy.Kith;

/** A kith command in a JVM of its own. */
final class KithProcess implements AutoCloseable {
  private static final long TIMEOUT_SECONDS = 300;

  private static final String INCUBATOR_WARNING =
      "WARNING: Using incubator modules: jdk.incubator.vector" + System.lineSeparator();

  private final Process process;
  private final Path errors;

  private KithProcess(Process process, Path errors) {
    this.process = process;
    this.errors = errors;
  }

  static KithProcess start(Path home, String... args) throws IOException {
    return start(List.of(), home, args);
  }

  /** The same by another program, which becomes it. */
  static KithProcess start(List<String> by, Path home, String... args) throws IOException {
    Path deploy = Path.of(System.getProperty("kith.project.dir"), "deploy");
    Path errors = Files.createTempFile(Files.createDirectories(home), "kith", ".err");
    List<String> command = new ArrayList<>(by);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("@" + deploy.resolve("jvm.options"), "-XX:+UseSerialGC", "-Xmx96m", "-ea"));
    if (!Boolean.getBoolean("kith.test.table")) { // the table has speeds
      command.add("-Dkith.warmUpSeconds=1");
    }
    command.addAll(packaged(deploy.resolve("target")));
    command.add(Kith.class.getName());
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
    builder.environment().put("KITH_HOME", home.toString());
    return new KithProcess(builder.start(), errors);
  }

  /** As users start it, with the cache for faster starts if ./kith has made one of this build. */
  private static List<String> packaged(Path target) throws IOException {
    Path jar;
    try (DirectoryStream<Path> jars = Files.newDirectoryStream(target, "deploy-*.jar")) {
      jar = jars.iterator().next();
    }
    List<String> options = new ArrayList<>(List.of("-cp", jar + ":" + target.resolve("lib/*")));
    Path cache = target.resolve("kith.aot");
    if (Files.exists(cache)
        && Files.getLastModifiedTime(cache).compareTo(Files.getLastModifiedTime(jar)) > 0) {
      options.addAll(List.of("-XX:AOTCache=" + cache, "-Xlog:aot=off", "-Xlog:cds=off"));
    }
    return options;
  }

  /** Types into its standard input, which ends after that. */
  void type(String text) throws IOException {
    try (Writer in = process.outputWriter(StandardCharsets.UTF_8)) {
      in.write(text);
    }
  }

  /** The next line of its standard output. */
  String awaitLine() throws Exception {
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    CompletableFuture<String> line =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return String.valueOf(out.readLine());
              } catch (IOException e) {
                return "no line: " + e;
              }
            });
    try {
      return line.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new AssertionError("no line on standard output; errors: " + errors(), e);
    }
  }

  /** The rest of its standard output, once it has ended. */
  String rest() throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  int awaitExit() throws Exception {
    if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("still runs; errors: " + errors());
    }
    return process.exitValue();
  }

  /** Asks it to end, as Ctrl-C does. */
  void terminate() {
    process.destroy();
  }

  /** Ends it without any chance to tidy up. */
  void kill() {
    process.destroyForcibly();
  }

  /** The token in the line that it prints for other machines. */
  String joinToken() throws IOException {
    return errors()
        .lines()
        .filter(line -> line.contains("kith join "))
        .findFirst()
        .orElseThrow()
        .strip()
        .substring("kith join ".length());
  }

  /** All of its standard error but what the JVM itself says of its flags. */
  String errors() throws IOException {
    return Files.readString(errors).replace(INCUBATOR_WARNING, "");
  }

  @Override
  public void close() throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(errors);
  }
}
