package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A node of a local cluster in a process of its own. It ends when its standard input does, so it
 * does not outlive this process, however that ends.
 */
final class NodeProcess {
  private final String name;
  private final Process process;
  private final Path log;

  private NodeProcess(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /**
   * Starts {@code kith join} with this process's JVM flags.
   *
   * @param token passed by the environment, as the command line is public
   * @param threads for the arithmetic
   * @param kernels the value of {@code --kernels}
   * @param memoryBytes what it may use in memory, {@link Long#MAX_VALUE} for no limit
   * @param kvStoreBytes of keys and values that it keeps on disk, 0 for none
   * @param log takes its output
   */
  static NodeProcess start(
      String name,
      String token,
      int threads,
      String kernels,
      long memoryBytes,
      long kvStoreBytes,
      Path log)
      throws IOException {
    List<String> command = OwnCommand.line();
    command.addAll(List.of("join", "--name", name, "--host", "127.0.0.1", "--end-with-stdin"));
    command.addAll(List.of("--threads", Integer.toString(threads), "--kernels", kernels));
    if (memoryBytes != Long.MAX_VALUE) {
      command.addAll(List.of("--memory", (memoryBytes >> 10) + "K"));
    }
    if (kvStoreBytes > 0) {
      command.addAll(List.of("--kv-store", (kvStoreBytes >> 10) + "K"));
    }
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("KITH_TOKEN", token);
    return new NodeProcess(name, builder.start(), log);
  }

  /** How it ended, for the user; null while it runs. */
  @Nullable String end() {
    return process.isAlive()
        ? null
        : name + " ended with exit code " + process.exitValue() + "; see " + log;
  }

  /** Ends its standard input; it ends soon after. */
  void stop() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // It is gone already.
    }
  }

  /** Waits for its end until a time of {@link System#nanoTime}, then kills it. */
  void awaitEnd(long deadlineNs) {
    try {
      if (process.waitFor(deadlineNs - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process.destroyForcibly();
  }
}
