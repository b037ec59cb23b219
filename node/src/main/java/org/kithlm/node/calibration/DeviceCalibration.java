package org.kithlm.node.calibration;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.kithlm.memory.DiskProbe;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.KernelProbe;
import org.kithlm.model.kernel.KernelWarmUp;
import org.kithlm.model.kernel.WorkerPool;
import org.kithlm.model.kernel.Workers;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.shard.LoadThread;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Times the kernels and the disk of this device: two seconds, ten where other programs come and go,
 * after the kernels are compiled, which a rank would wait for anyway. Thread-safe.
 */
public final class DeviceCalibration implements Calibrator {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceCalibration.class);

  private static final CompilationMXBean COMPILER = ManagementFactory.getCompilationMXBean();

  /** Together small for the smallest device, and more than its caches hold. */
  private static final int PIECES = 32;

  private static final long PIECE_BYTES = 1 << 20;

  /** Whole periods by which systems share processors out, 100 ms at most. */
  private static final Duration WINDOW = Duration.ofMillis(300);

  /** Windows that must bring nothing better, while the JVM compiles little. */
  private static final int WINDOWS_PATIENCE = 4;

  private static final int WINDOWS_MAX = 30;

  /** What is more than that is better. */
  private static final double BETTER = 1.02;

  /** A device with a tenth of a core was seen to need most of it; others take about a second. */
  private static final Duration COMPILE_LIMIT = Duration.ofSeconds(60);

  private static final Duration DISK_LIMIT = Duration.ofMillis(800);

  private final Path folder;
  private final int threads;
  private final Duration window;
  private final Duration diskLimit;

  /**
   * For a number of threads.
   *
   * @param folder on the disk that weights are read from; what was measured is kept in it
   */
  public DeviceCalibration(Path folder, int threads) {
    this(folder, threads, WINDOW, DISK_LIMIT);
  }

  DeviceCalibration(Path folder, int threads, Duration window, Duration diskLimit) {
    this.folder = folder;
    this.threads = threads;
    this.window = window;
    this.diskLimit = diskLimit;
  }

  @Override
  public CompletionStage<DeviceSpeed> measure(String weightType) {
    return LoadThread.start("kith-measure", () -> known(GgmlType.valueOf(weightType)));
  }

  private DeviceSpeed known(GgmlType type) throws IOException {
    SpeedFile file = new SpeedFile(folder.resolve("speed.json"), threads);
    Optional<DeviceSpeed> kept = file.read(type);
    if (kept.isPresent()) {
      return kept.get();
    }
    boolean isCompiled = KernelWarmUp.run(EnumSet.of(type), COMPILE_LIMIT);
    DeviceSpeed speed = new DeviceSpeed(kernelBytesPerSecond(type), diskBytesPerSecond());
    LOG.info("measured with {} threads and {}: {}", threads, type, speed);
    if (isCompiled) {
      file.write(type, speed);
    } else {
      LOG.warn("kernels were not compiled within {}; they are measured again", COMPILE_LIMIT);
    }
    return speed;
  }

  /**
   * The best of some windows: at the start of a device or its cluster much runs that does not
   * later, and in the worst case more in one process than in another.
   */
  private long kernelBytesPerSecond(GgmlType type) {
    try (Arena arena = Arena.ofShared();
        Workers workers = WorkerPool.of(threads)) {
      MemorySegment weights = arena.allocate(PIECES * PIECE_BYTES, 64);
      List<KernelProbe.Product> pieces = new ArrayList<>();
      for (int i = 0; i < PIECES; i++) {
        MemorySegment piece = weights.asSlice(i * PIECE_BYTES, PIECE_BYTES);
        pieces.add(new KernelProbe(workers, piece).product(type, 1));
      }
      double best = 0;
      int since = 0;
      for (int i = 0; i < WINDOWS_MAX && since < WINDOWS_PATIENCE; i++) {
        long compiledMs = COMPILER.getTotalCompilationTime();
        double rate = bytesPerSecond(pieces);
        boolean isQuiet = COMPILER.getTotalCompilationTime() - compiledMs < window.toMillis() / 10;
        since = rate > BETTER * best ? 0 : since + (isQuiet ? 1 : 0);
        best = Math.max(best, rate);
      }
      return (long) best;
    }
  }

  /** All bytes over all time of a window, so that a quota counts as it does in a step. */
  private double bytesPerSecond(List<KernelProbe.Product> pieces) {
    long startNs = System.nanoTime();
    long bytes = 0;
    long tookNs = 0;
    for (int i = 0; tookNs < window.toNanos(); i++) {
      KernelProbe.Product piece = pieces.get(i % PIECES);
      piece.run().run();
      bytes += piece.lengthBytes();
      tookNs = System.nanoTime() - startNs;
    }
    return bytes * 1e9 / tookNs;
  }

  private long diskBytesPerSecond() {
    try {
      return DiskProbe.bytesPerSecond(folder, diskLimit);
    } catch (IOException e) {
      LOG.warn("cannot measure the disk of {}: {}", folder, e.toString());
      return 0;
    }
  }
}
