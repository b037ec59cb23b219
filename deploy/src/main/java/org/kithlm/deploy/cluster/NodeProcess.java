package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.kithlm.deploy.Kith;

/**
 * A node of a local cluster in a process of its own. It ends when its standard input does, so it
 * does not outlive this process, however that ends.
 */
public final class NodeProcess implements AutoCloseable {
  private static final long STOP_SECONDS = 5;

  private final Process process;

  private NodeProcess(Process process) {
    this.process = process;
  }

  /**
   * Starts {@code kith join} with this process's JVM flags.
   *
   * @param address of the coordinator's control plane
   * @param token passed by the environment, as the command line is public
   * @param log takes its output
   */
  public static NodeProcess start(String name, String address, String token, Path log)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Kith.class.getName()));
    command.addAll(
        List.of("join", address, "--name", name, "--host", "127.0.0.1", "--end-with-stdin"));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("KITH_TOKEN", token);
    return new NodeProcess(builder.start());
  }

  /** Whether it still runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  @Override
  public void close() {
    try {
      process.getOutputStream().close(); // its standard input ends
      if (process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      // It is gone already.
    }
    process.destroyForcibly();
  }
}
