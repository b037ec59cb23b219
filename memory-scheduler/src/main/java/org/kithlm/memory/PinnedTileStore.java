package org.kithlm.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
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

/**
 * All tiles in memory, loaded and checked before the store exists: no thread runs and no disk is
 * touched afterwards.
 */
public final class PinnedTileStore implements TileStore {
  /** One reads while the other checks what it has read. */
  private static final int READERS = 2;

  private static final ThreadFactory READER_NAMES =
      Thread.ofPlatform().name("tile-reader-", 0).factory();

  /** So that the system may back the region with huge pages. */
  private static final int REGION_ALIGNMENT_BYTES = 2 << 20;

  private final Path file;
  private final Arena arena;
  private final MemorySegment[] segments;
  private final long residentBytes;

  // Owned by the thread of the first acquire.
  private final boolean[] held;
  private @Nullable Thread owner;
  private int next;
  private int heldCount;

  private volatile boolean closed;

  private PinnedTileStore(Path file, Arena arena, MemorySegment[] segments, long residentBytes) {
    this.file = file;
    this.arena = arena;
    this.segments = segments;
    this.residentBytes = residentBytes;
    this.held = new boolean[segments.length];
  }

  /**
   * Loads tiles into one region of memory outside the heap.
   *
   * @param file where they are
   * @param extents in the order of use; may be empty
   * @param progress told as tiles arrive
   * @throws TileReadException if a tile cannot be read or its checksum is wrong, also on a second
   *     try
   * @throws IOException if the file cannot be opened
   * @throws InterruptedException if the calling thread is interrupted; nothing stays allocated
   */
  public static PinnedTileStore load(Path file, List<TileExtent> extents, LoadProgress progress)
      throws IOException, InterruptedException {
    try (ExtentReader reader = FileExtentReader.open(file)) {
      return load(file, reader, extents, progress);
    }
  }

  static PinnedTileStore load(
      Path file, ExtentReader reader, List<TileExtent> extents, LoadProgress progress)
      throws InterruptedException {
    List<ReadRun> runs = ReadRun.plan(extents, reader.alignmentBytes());
    long regionBytes = runs.stream().mapToLong(ReadRun::spanBytes).sum();
    @SuppressWarnings("MustBeClosedChecker") // the store closes it
    Arena arena = Arena.ofShared(); // filled by the readers, used by the owner
    try {
      MemorySegment region = arena.allocate(regionBytes, REGION_ALIGNMENT_BYTES);
      List<MemorySegment> targets = new ArrayList<>();
      MemorySegment[] segments = new MemorySegment[extents.size()];
      long runOffset = 0;
      for (ReadRun run : runs) {
        MemorySegment target = region.asSlice(runOffset, run.spanBytes());
        targets.add(target);
        for (int tile : run.tiles()) {
          TileExtent extent = extents.get(tile);
          segments[tile] =
              target
                  .asSlice(extent.offsetBytes() - run.startBytes(), extent.lengthBytes())
                  .asReadOnly();
        }
        runOffset += run.spanBytes();
      }
      readAll(new RunReader(file, reader, extents), runs, targets, extents, progress);
      return new PinnedTileStore(file, arena, segments, regionBytes);
    } catch (Throwable failure) {
      arena.close();
      throw failure;
    }
  }

  private static void readAll(
      RunReader reader,
      List<ReadRun> runs,
      List<MemorySegment> targets,
      List<TileExtent> extents,
      LoadProgress progress)
      throws InterruptedException {
    AtomicInteger nextRun = new AtomicInteger();
    AtomicBoolean stop = new AtomicBoolean();
    LoadCount count = new LoadCount(extents, progress);
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

    LoadCount(List<TileExtent> extents, LoadProgress progress) {
      this.extents = extents;
      this.progress = progress;
      this.totalBytes = extents.stream().mapToLong(TileExtent::lengthBytes).sum();
    }

    synchronized void add(ReadRun run) {
      for (int tile : run.tiles()) {
        loadedBytes += extents.get(tile).lengthBytes();
      }
      progress.loaded(loadedBytes, totalBytes);
    }
  }

  @Override
  public MemorySegment acquire(int tile) {
    checkUsable();
    if (tile != next || tile >= segments.length) {
      throw new IllegalStateException(
          "tile "
              + tile
              + " of "
              + file
              + " acquired out of turn, expected tile "
              + next
              + " of "
              + segments.length);
    }
    if (held[tile]) {
      throw new IllegalStateException("tile " + tile + " of " + file + " is already held");
    }
    next = (tile + 1) % segments.length;
    held[tile] = true;
    heldCount++;
    return segments[tile];
  }

  @Override
  public void release(int tile) {
    checkUsable();
    if (tile < 0 || tile >= held.length || !held[tile]) {
      throw new IllegalStateException("tile " + tile + " of " + file + " released but not held");
    }
    held[tile] = false;
    heldCount--;
  }

  @Override
  public void rewind() {
    checkUsable();
    if (heldCount > 0) {
      throw new IllegalStateException(file + " rewound while " + heldCount + " tiles are held");
    }
    next = 0;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      arena.close();
    }
  }

  @Override
  public long residentBytes() {
    return residentBytes;
  }

  @Override
  public long streamedBytes() {
    return 0;
  }

  @Override
  public long waitNs() {
    return 0;
  }

  private void checkUsable() {
    if (closed) {
      throw new IllegalStateException("the tile store of " + file + " is closed");
    }
    Thread current = Thread.currentThread();
    if (owner == null) {
      owner = current;
    } else if (owner != current) {
      throw new IllegalStateException(
          "the tile store of "
              + file
              + " belongs to thread "
              + owner.getName()
              + ", called from "
              + current.getName());
    }
  }
}
