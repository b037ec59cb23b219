package org.kithlm.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Tiles that stay in one region of memory, loaded and checked before this object exists. */
final class PinnedTiles implements AutoCloseable {
  /** One reads while the other checks what it has read. */
  private static final int READERS = 2;

  private static final ThreadFactory READER_NAMES =
      Thread.ofPlatform().name("tile-loader-", 0).factory();

  private final Arena arena;
  private final @Nullable MemorySegment[] segments; // by tile, null if not pinned
  private final long residentBytes;

  private PinnedTiles(Arena arena, @Nullable MemorySegment[] segments, long residentBytes) {
    this.arena = arena;
    this.segments = segments;
    this.residentBytes = residentBytes;
  }

  /**
   * Loads tiles.
   *
   * @param pinned their indices
   * @throws TileReadException if a tile cannot be read or its checksum is wrong, also on a second
   *     try
   * @throws InterruptedException if the calling thread is interrupted; nothing stays allocated
   */
  static PinnedTiles load(
      RunReader reader, List<TileExtent> extents, List<Integer> pinned, LoadProgress progress)
      throws InterruptedException {
    List<ReadRun> runs = ReadRun.plan(extents, pinned, reader.alignmentBytes());
    long regionBytes = runs.stream().mapToLong(ReadRun::spanBytes).sum();
    @SuppressWarnings("MustBeClosedChecker") // closed with the pinned tiles
    Arena arena = Arena.ofShared(); // filled by the readers, used by the owner
    try {
      MemorySegment region = LinuxAdvice.hugePages(arena, regionBytes);
      List<MemorySegment> targets = new ArrayList<>();
      @Nullable MemorySegment[] segments = new @Nullable MemorySegment[extents.size()];
      long runOffset = 0;
      for (ReadRun run : runs) {
        MemorySegment target = region.asSlice(runOffset, run.spanBytes());
        targets.add(target);
        for (int tile : run.tiles()) {
          segments[tile] = run.tileIn(target, extents.get(tile));
        }
        runOffset += run.spanBytes();
      }
      readAll(reader, runs, targets, new LoadCount(extents, pinned, progress));
      return new PinnedTiles(arena, segments, regionBytes);
    } catch (Throwable failure) {
      arena.close();
      throw failure;
    }
  }

  private static void readAll(
      RunReader reader, List<ReadRun> runs, List<MemorySegment> targets, LoadCount count)
      throws InterruptedException {
    AtomicInteger nextRun = new AtomicInteger();
    AtomicBoolean stop = new AtomicBoolean();
    Runnable readRuns =
        () -> {
          try {
            int run;
            while (!stop.get() && (run = nextRun.getAndIncrement()) < runs.size()) {
              reader.read(runs.get(run), targets.get(run));
              count.add(runs.get(run));
            }
          } finally {
            stop.set(true); // nothing is left to do, or this reader failed
          }
        };
    try (ExecutorService readers = Executors.newFixedThreadPool(READERS, READER_NAMES)) {
      List<Future<?>> futures = new ArrayList<>();
      try {
        for (int i = 0; i < READERS; i++) {
          futures.add(readers.submit(readRuns));
        }
        for (Future<?> future : futures) {
          future.get();
        }
      } catch (ExecutionException e) {
        throw e.getCause() instanceof RuntimeException cause
            ? cause
            : new IllegalStateException(e.getCause());
      } finally {
        stop.set(true); // an interrupt: the executor's close waits for the readers
      }
    }
  }

  /** Adds up what both readers have loaded. */
  private static final class LoadCount {
    private final List<TileExtent> extents;
    private final LoadProgress progress;
    private final long totalBytes;
    private long loadedBytes;

    LoadCount(List<TileExtent> extents, List<Integer> pinned, LoadProgress progress) {
      this.extents = extents;
      this.progress = progress;
      this.totalBytes = pinned.stream().mapToLong(tile -> extents.get(tile).lengthBytes()).sum();
    }

    synchronized void add(ReadRun run) {
      for (int tile : run.tiles()) {
        loadedBytes += extents.get(tile).lengthBytes();
      }
      progress.loaded(loadedBytes, totalBytes);
    }
  }

  /** The bytes of a tile, or null if it is not pinned. Any thread. */
  @Nullable MemorySegment get(int tile) {
    return segments[tile];
  }

  long residentBytes() {
    return residentBytes;
  }

  @Override
  public void close() {
    arena.close();
  }
}
