package org.kithlm.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tiles of one file in memory, within a budget: as many as fit stay, the others are read again in
 * each cycle, ahead of their use. Where all fit, no thread runs and no disk is touched after
 * loading.
 *
 * <p>Tiles are numbered in the order in which they are used and walked in a cycle: 0, 1, .. n-1, 0,
 * 1, ..; several may be held at once if they leave the ring room for the next. The first call of
 * {@link #acquire} makes its thread the owner, and only the owner may acquire, release and rewind.
 */
public final class TileStore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TileStore.class);

  private final Path file;
  private final int tileCount;
  private final PinnedTiles pinned;
  private final RunReader streamReader;
  private final TileRing ring;
  private final ExtentReader reader;

  // Owned by the thread of the first acquire.
  private final TileWindow.@Nullable Slot[] heldSlots; // null if pinned or not held
  private final boolean[] held;
  private @Nullable Thread owner;
  private int next;
  private int heldCount;

  private volatile boolean closed;

  private TileStore(
      Path file,
      int tileCount,
      PinnedTiles pinned,
      RunReader streamReader,
      TileRing ring,
      ExtentReader reader) {
    this.file = file;
    this.tileCount = tileCount;
    this.pinned = pinned;
    this.streamReader = streamReader;
    this.ring = ring;
    this.reader = reader;
    this.held = new boolean[tileCount];
    this.heldSlots = new TileWindow.@Nullable Slot[tileCount];
  }

  /**
   * Loads what stays in memory, and starts to read ahead what does not.
   *
   * @param file where the tiles are
   * @param extents in the order of use; may be empty
   * @param progress told as tiles that stay arrive
   * @throws TileReadException if a tile cannot be read or its checksum is wrong, also on a second
   *     try
   * @throws IllegalArgumentException if the budget is too small; the message tells the smallest
   * @throws IOException if the file cannot be opened
   * @throws InterruptedException if the calling thread is interrupted; nothing stays allocated
   */
  public static TileStore load(
      Path file, List<TileExtent> extents, ResidencySettings settings, LoadProgress progress)
      throws IOException, InterruptedException {
    return load(file, FileExtentReader.open(file), extents, settings, progress);
  }

  /**
   * The smallest budget that {@link #load} takes; reads nothing.
   *
   * @throws IOException if the file cannot be opened
   */
  public static long smallestBudgetBytes(Path file, List<TileExtent> extents) throws IOException {
    try (ExtentReader reader = FileExtentReader.open(file)) {
      return ResidencyPlan.smallestBytes(extents, reader.alignmentBytes());
    }
  }

  /**
   * The smallest budget that {@link #load} takes where reads must be aligned like this.
   *
   * @param alignmentBytes of positions and lengths of reads
   */
  public static long smallestBudgetBytes(List<TileExtent> extents, int alignmentBytes) {
    return ResidencyPlan.smallestBytes(extents, alignmentBytes);
  }

  /** Closes the reader with the store, or on failure. */
  static TileStore load(
      Path file,
      ExtentReader reader,
      List<TileExtent> extents,
      ResidencySettings settings,
      LoadProgress progress)
      throws InterruptedException {
    PinnedTiles pinned = null;
    try {
      ResidencyPlan plan = ResidencyPlan.of(extents, reader.alignmentBytes(), settings);
      pinned =
          PinnedTiles.load(new RunReader(file, reader, extents), extents, plan.pinned(), progress);
      RunReader streamReader = new RunReader(file, reader, extents);
      TileRing ring =
          new TileRing(
              streamReader, extents, plan.streamed(), plan.ringBytes(), settings.readTimeoutNs());
      return new TileStore(file, extents.size(), pinned, streamReader, ring, reader);
    } catch (Throwable failure) {
      if (pinned != null) {
        pinned.close();
      }
      closeReader(file, reader);
      throw failure;
    }
  }

  /**
   * Waits until the next tile of the cycle is in memory and checked.
   *
   * @param tile its index in the list that the store was made from
   * @return its bytes, exactly as long as its extent, valid until {@link #release}; no alignment is
   *     promised
   * @throws TileReadException if it cannot be read, its checksum is wrong or the disk takes too
   *     long; it is tried again after {@link #rewind}
   * @throws IllegalStateException if it is not its turn, the store is closed or another thread owns
   *     it
   */
  public MemorySegment acquire(int tile) {
    checkUsable();
    if (tile != next || tile >= tileCount) {
      throw new IllegalStateException(
          "tile "
              + tile
              + " of "
              + file
              + " acquired out of turn, expected tile "
              + next
              + " of "
              + tileCount);
    }
    if (held[tile]) {
      throw new IllegalStateException("tile " + tile + " of " + file + " is already held");
    }
    MemorySegment bytes = pinned.get(tile);
    if (bytes == null) {
      TileWindow.Slot slot = ring.acquire(tile);
      heldSlots[tile] = slot;
      bytes = ring.bytes(slot);
    }
    next = (tile + 1) % tileCount;
    held[tile] = true;
    heldCount++;
    return bytes;
  }

  /**
   * Gives a tile back; its memory may be reused at once.
   *
   * @throws IllegalStateException if it is not held
   */
  public void release(int tile) {
    checkUsable();
    if (tile < 0 || tile >= tileCount || !held[tile]) {
      throw new IllegalStateException("tile " + tile + " of " + file + " released but not held");
    }
    held[tile] = false;
    heldCount--;
    TileWindow.Slot slot = heldSlots[tile];
    if (slot != null) {
      heldSlots[tile] = null;
      ring.release(slot);
    }
  }

  /** Whether all tiles stay in memory. */
  public boolean isResident() {
    return ring.ringBytes() == 0;
  }

  /**
   * Goes back in the cycle: the next acquire is of {@code tile}.
   *
   * @throws IllegalStateException if a tile is held, or not all stay in memory
   */
  public void back(int tile) {
    checkUsable();
    if (heldCount > 0 || !isResident()) {
      throw new IllegalStateException(
          file + " cannot go back: " + heldCount + " tiles are held, resident=" + isResident());
    }
    if (tile < 0 || tile >= tileCount) {
      throw new IllegalArgumentException("tile=" + tile + " of " + tileCount);
    }
    next = tile;
  }

  /**
   * Ends the cycle early: the next acquire is of tile 0. What has been read ahead for the next
   * cycle stays, what belongs to the rest of this one is dropped.
   *
   * @throws IllegalStateException if a tile is held
   */
  public void rewind() {
    checkUsable();
    if (heldCount > 0) {
      throw new IllegalStateException(file + " rewound while " + heldCount + " tiles are held");
    }
    next = 0;
    ring.rewind();
  }

  /**
   * Frees the memory, also of tiles that are still held; later calls are errors. Idempotent. Any
   * thread, but the owner must have stopped. Waits for reads in flight.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    pinned.close();
    try {
      ring.close();
    } catch (IllegalStateException readerHangs) {
      LOG.warn("{}: {}", file, readerHangs.getMessage());
      return; // closing the file would wait for the read, too
    }
    closeReader(file, reader);
  }

  private static void closeReader(Path file, ExtentReader reader) {
    try {
      reader.close();
    } catch (IOException e) {
      LOG.warn("closing {}: {}", file, e.getMessage());
    }
  }

  /** Bytes of memory that hold or may hold tiles. Any thread. */
  public long residentBytes() {
    return pinned.residentBytes() + ring.ringBytes();
  }

  /** Bytes read from the file since the store was made, the load of pinned tiles left out. */
  public long streamedBytes() {
    return streamReader.readBytes();
  }

  /** Time that {@link #acquire} has waited for the disk, nanoseconds. Any thread. */
  public long waitNs() {
    return ring.waitNs();
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
