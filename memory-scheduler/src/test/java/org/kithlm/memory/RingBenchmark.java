package org.kithlm.memory;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;

/**
 * Streams a file of random tiles at several residencies and compares the time of a cycle with the
 * ideal: what a plain direct reader needs for as many bytes, both in turn. The consumer computes
 * nothing, or about as long as the disk reads. Arguments: a folder on the disk to measure, and the
 * size of the file in MiB; see docs/benchmarks.md.
 */
final class RingBenchmark {
  private static final int WARM_UP_ROUNDS = 1;
  private static final int ROUNDS = 9;
  private static final int PLAIN_READ_BYTES = 2 << 20;
  private static final int[] RESIDENT_PERCENT = {25, 50, 75};

  /** As in a pack: most are close to 2 MiB, some matrices are small, none is aligned. */
  private static final int[] TILE_BYTES = {2_000_000, 2_097_152, 350_000, 60_000, 1_950_000};

  /** The consumer computes nothing after the last tile of a cycle: sampling. */
  private static final long SAMPLING_NS = 5_000_000;

  private static final OperatingSystemMXBean SYSTEM =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  /** What passed while some bytes were streamed. */
  private record Sample(double seconds, double cpuSeconds, long bytes) {
    double bytesPerSecond() {
      return bytes / seconds;
    }

    double cpuMsPerGigabyte() {
      return cpuSeconds * 1e3 / (bytes / 1e9);
    }
  }

  /** One row of the table. */
  private record Series(
      String name, double tilesPerGigabyte, List<Sample> samples, List<Double> overIdeal) {
    Series(String name, double tilesPerGigabyte) {
      this(name, tilesPerGigabyte, new ArrayList<>(), new ArrayList<>());
    }

    void add(Sample sample, double diskBytesPerSecond) {
      samples.add(sample);
      overIdeal.add(diskBytesPerSecond / sample.bytesPerSecond());
    }

    void print() {
      double rate =
          median(samples.stream().mapToDouble(sample -> sample.bytesPerSecond() / 1e6).toArray());
      System.out.printf(
          "| %s | %.0f | %.0f | %.0f | %.2f |%n",
          name,
          rate,
          rate / 1e3 * tilesPerGigabyte,
          median(samples.stream().mapToDouble(Sample::cpuMsPerGigabyte).toArray()),
          median(overIdeal.stream().mapToDouble(Double::doubleValue).toArray()));
    }
  }

  private RingBenchmark() {}

  /** Runs it. */
  public static void main(String[] arguments) throws Exception {
    long fileBytes = Long.parseLong(arguments[1]) << 20;
    Path file = Files.createTempFile(Path.of(arguments[0]), "ring", ".bin");
    try {
      run(file, write(file, fileBytes));
    } finally {
      Files.delete(file);
    }
  }

  private static void run(Path file, List<TileExtent> extents) throws Exception {
    long totalBytes = extents.stream().mapToLong(TileExtent::lengthBytes).sum();
    double tilesPerGigabyte = extents.size() / (totalBytes / 1e9);
    Series plain = new Series("plain direct reader", tilesPerGigabyte);
    List<Series> diskBound = new ArrayList<>();
    List<Series> balanced = new ArrayList<>();
    for (int percent : RESIDENT_PERCENT) {
      diskBound.add(new Series(percent + " %, no compute", tilesPerGigabyte));
      balanced.add(new Series(percent + " %, compute = disk", tilesPerGigabyte));
    }
    for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (int i = 0; i < RESIDENT_PERCENT.length; i++) {
        long budgetBytes = totalBytes * RESIDENT_PERCENT[i] / 100;
        try (TileStore store =
            TileStore.load(
                file, extents, ResidencySettings.within(budgetBytes), (loaded, total) -> {})) {
          cycle(store, extents, 0, 0);
          Sample before = readPlainly(file, totalBytes * (100 - RESIDENT_PERCENT[i]) / 100, store);
          Sample unbound = measure(store, extents, 0, 0);
          Sample between = readPlainly(file, unbound.bytes(), store);
          double disk = (before.bytesPerSecond() + between.bytesPerSecond()) / 2;
          double computeNs = unbound.bytes() / disk * 1e9 - SAMPLING_NS;
          Sample bound = measure(store, extents, computeNs / totalBytes, SAMPLING_NS);
          if (round >= 0) {
            plain.add(before, disk);
            plain.add(between, disk);
            diskBound.get(i).add(unbound, disk);
            balanced.get(i).add(bound, disk);
          }
        }
      }
    }
    System.out.println("| | MB/s | tiles/s | CPU ms per GB | time / ideal |");
    System.out.println("|---|---|---|---|---|");
    plain.print();
    diskBound.forEach(Series::print);
    balanced.forEach(Series::print);
  }

  private static Sample measure(
      TileStore store, List<TileExtent> extents, double nsPerByte, long samplingNs) {
    long streamedBefore = store.streamedBytes();
    long cpuBefore = SYSTEM.getProcessCpuTime();
    long start = System.nanoTime();
    cycle(store, extents, nsPerByte, samplingNs);
    double seconds = (System.nanoTime() - start) / 1e9;
    double cpuSeconds = (SYSTEM.getProcessCpuTime() - cpuBefore) / 1e9;
    long bytes = store.streamedBytes() - streamedBefore;
    return new Sample(seconds, cpuSeconds, bytes);
  }

  /**
   * Parks instead of computing, so that the CPU time is that of the ring. What a park lasts too
   * long is taken off the next one.
   */
  private static void cycle(
      TileStore store, List<TileExtent> extents, double nsPerByte, long samplingNs) {
    long lateNs = 0;
    for (int tile = 0; tile < extents.size(); tile++) {
      MemorySegment bytes = store.acquire(tile);
      lateNs = park((long) (bytes.byteSize() * nsPerByte) - lateNs);
      store.release(tile);
    }
    park(samplingNs - lateNs);
  }

  /** Returns how much later than wanted it is. */
  private static long park(long ns) {
    long dueNs = System.nanoTime() + ns;
    for (long leftNs = ns; leftNs > 0; leftNs = dueNs - System.nanoTime()) {
      LockSupport.parkNanos(leftNs);
    }
    return ns == 0 ? 0 : System.nanoTime() - dueNs;
  }

  /**
   * As many threads and as much memory as the ring has, without checks and without a consumer. Into
   * a few MiB, which stay in the processor's cache, the same reads look faster than any ring can
   * be.
   */
  private static Sample readPlainly(Path file, long bytes, TileStore store) throws Exception {
    awaitFull(store);
    int reads = (int) (bytes / PLAIN_READ_BYTES);
    try (ExtentReader reader = FileExtentReader.open(file);
        Arena arena = Arena.ofShared()) {
      MemorySegment memory = LinuxAdvice.hugePages(arena, ResidencySettings.RING_BYTES_DEFAULT);
      AtomicInteger next = new AtomicInteger();
      long cpuBefore = SYSTEM.getProcessCpuTime();
      long start = System.nanoTime();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < TileRing.READERS; i++) {
        threads.add(Thread.ofPlatform().start(() -> readAll(reader, memory, next, reads)));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      double cpuSeconds = (SYSTEM.getProcessCpuTime() - cpuBefore) / 1e9;
      return new Sample(seconds, cpuSeconds, (long) reads * PLAIN_READ_BYTES);
    }
  }

  /** Waits until the ring reads no more ahead. */
  private static void awaitFull(TileStore store) {
    long before = -1;
    while (before != store.streamedBytes()) {
      before = store.streamedBytes();
      LockSupport.parkNanos(50_000_000); // far longer than one read
    }
  }

  private static void readAll(
      ExtentReader reader, MemorySegment memory, AtomicInteger next, int reads) {
    try {
      for (int read = next.getAndIncrement(); read < reads; read = next.getAndIncrement()) {
        long position = (long) read * PLAIN_READ_BYTES;
        MemorySegment target = memory.asSlice(position % memory.byteSize(), PLAIN_READ_BYTES);
        int count = reader.read(target.asByteBuffer(), position);
        if (count != PLAIN_READ_BYTES) {
          throw new IOException("read " + count + " bytes of " + PLAIN_READ_BYTES);
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Not zeros: a disk may be faster with those. */
  private static List<TileExtent> write(Path file, long fileBytes) throws IOException {
    Random random = new Random(1);
    List<TileExtent> extents = new ArrayList<>();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      byte[] bytes = new byte[Arrays.stream(TILE_BYTES).max().orElseThrow()];
      long offset = 0;
      for (int tile = 0; offset + bytes.length <= fileBytes; tile++) {
        int length = TILE_BYTES[tile % TILE_BYTES.length];
        random.nextBytes(bytes);
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        extents.add(
            new TileExtent(
                offset, length, List.of(new TileExtent.Piece(length, (int) crc.getValue()))));
        ByteBuffer source = ByteBuffer.wrap(bytes, 0, length);
        while (source.hasRemaining()) {
          channel.write(source);
        }
        offset += length;
      }
      channel.force(true);
    }
    return extents;
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }
}
