package org.kithlm.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The rate at which plain direct reads get a file, with which streaming is compared. */
public final class DiskRate {
  private static final int READERS = 2;
  private static final int PIECE_BYTES = 2 << 20;

  /** Memory of a reader: what stays in the processor's cache is filled faster than weights are. */
  private static final long MEMORY_BYTES = 32L << 20;

  private DiskRate() {}

  /**
   * Reads on two threads, one from the start and one from the middle, round and round.
   *
   * @param file at least 4 MiB
   * @return bytes per second
   * @throws IOException if it cannot be read or is shorter
   * @throws InterruptedException if the calling thread is interrupted; the reads end soon
   */
  public static double bytesPerSecond(Path file, Duration duration)
      throws IOException, InterruptedException {
    long pieces = Files.size(file) / PIECE_BYTES;
    if (pieces < READERS) {
      throw new IOException(file + " is too short to measure a disk with");
    }
    try (ExtentReader reader = FileExtentReader.open(file);
        Arena arena = Arena.ofShared();
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      MemorySegment memory = LinuxAdvice.hugePages(arena, READERS * MEMORY_BYTES);
      long startNs = System.nanoTime();
      long endNs = startNs + duration.toNanos();
      List<Future<Long>> counts = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        long first = i * pieces / READERS;
        MemorySegment own = memory.asSlice(i * MEMORY_BYTES, MEMORY_BYTES);
        counts.add(threads.submit(() -> read(reader, own, first, pieces, endNs)));
      }
      long bytes = 0;
      for (Future<Long> count : counts) {
        bytes += count.get();
      }
      return bytes / ((System.nanoTime() - startNs) / 1e9);
    } catch (ExecutionException e) {
      throw new IOException(file + " cannot be read: " + e.getCause(), e);
    }
  }

  private static long read(
      ExtentReader reader, MemorySegment memory, long first, long pieces, long endNs)
      throws IOException {
    long bytes = 0;
    for (long i = first; System.nanoTime() < endNs; i = (i + 1) % pieces) {
      ByteBuffer target = memory.asSlice(bytes % MEMORY_BYTES, PIECE_BYTES).asByteBuffer();
      bytes += reader.read(target, i * PIECE_BYTES);
    }
    return bytes;
  }
}
