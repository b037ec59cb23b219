package org.kithlm.deploy.cluster;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The nodes of a local cluster that run in processes of their own. Thread-safe. */
public final class NodeProcesses implements AutoCloseable {
  private static final long STOP_SECONDS = 5;

  private final List<NodeProcess> processes = new ArrayList<>(); // guarded by this
  private boolean closed; // guarded by this

  /**
   * Starts nodes that join a coordinator.
   *
   * @param token admits them all
   * @param threads of each for the arithmetic
   * @param kernels the value of {@code --kernels}
   * @param memoryBytes what each may use in memory, {@link Long#MAX_VALUE} for no limit
   * @param kvStoreBytes of keys and values that each keeps on disk, 0 for none
   * @param logs folder that takes their output, a file each
   */
  public synchronized void start(
      int count,
      String token,
      int threads,
      String kernels,
      long memoryBytes,
      long kvStoreBytes,
      Path logs)
      throws IOException {
    for (int i = 1; i <= count && !closed; i++) {
      String name = "node-" + i;
      Path log = logs.resolve(name + ".log");
      processes.add(
          NodeProcess.start(name, token, threads, kernels, memoryBytes, kvStoreBytes, log));
    }
  }

  /** How the first that has ended did so, for the user; null while all run. */
  public synchronized @Nullable String firstEnd() {
    return processes.stream()
        .map(NodeProcess::end)
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  /** Ends those that still run. */
  @Override
  public synchronized void close() {
    closed = true;
    processes.forEach(NodeProcess::stop);
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
    processes.forEach(process -> process.awaitEnd(deadlineNs));
    processes.clear();
  }
}
