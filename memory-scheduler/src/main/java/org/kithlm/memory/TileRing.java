package org.kithlm.memory;

import java.io.Closeable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Streams tiles through a ring of memory, in a cycle and ahead of their use, by reader threads of
 * its own. They wait only for room, so they run on through collectives, sampling and the time
 * between requests until the ring is full. One thread may acquire, release and rewind.
 */
final class TileRing implements Closeable {
  /**
   * Two reads of 2 MiB in flight reach the disk's rate, while others check their tiles or wait for
   * a core: two readers got 0.77 to 0.91 of it, four 0.87 to 1.0 (ADR 6).
   */
  static final int READERS = 4;

  private final RunReader reader;
  private final List<TileExtent> extents;
  private final long timeoutNs;
  private final long ringBytes;
  private final Arena arena;
  private final MemorySegment ring;
  private final List<Thread> threads = new ArrayList<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition roomFreed = lock.newCondition();
  private final Condition tileLoaded = lock.newCondition();
  private final TileWindow window; // guarded by lock
  private boolean stopped; // guarded by lock
  private final AtomicLong waitNs = new AtomicLong();

  /**
   * Allocates the ring and starts to read.
   *
   * @param streamed indices of the tiles that pass through the ring, in order of use; without any,
   *     no thread runs
   * @param timeoutNs longest wait for a tile, and for the readers on close
   */
  @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the ring
  TileRing(
      RunReader reader,
      List<TileExtent> extents,
      List<Integer> streamed,
      long ringBytes,
      long timeoutNs) {
    this.reader = reader;
    this.extents = extents;
    this.timeoutNs = timeoutNs;
    this.ringBytes = ringBytes;
    arena = Arena.ofShared();
    ring = LinuxAdvice.hugePages(arena, ringBytes);
    window =
        new TileWindow(
            streamed.stream()
                .map(tile -> ReadRun.ofTile(extents, tile, reader.alignmentBytes()))
                .toList(),
            ringBytes);
    int readers = streamed.isEmpty() ? 0 : READERS;
    for (int i = 0; i < readers; i++) {
      threads.add(Thread.ofPlatform().name("tile-reader-" + i).daemon().start(this::readAhead));
    }
  }

  /**
   * Waits for the next tile of the cycle.
   *
   * @throws TileReadException if it cannot be read, is wrong or late
   */
  TileWindow.Slot acquire(int tile) {
    lock.lock();
    try {
      TileWindow.Slot slot = window.take();
      if (slot == null) {
        long start = System.nanoTime();
        try {
          slot = await(tile);
        } finally {
          waitNs.addAndGet(System.nanoTime() - start);
        }
      }
      TileReadException failure = slot.failure();
      if (failure != null) {
        throw failure;
      }
      return slot;
    } finally {
      lock.unlock();
    }
  }

  private TileWindow.Slot await(int tile) {
    long remainingNs = timeoutNs;
    while (remainingNs > 0) {
      try {
        remainingNs = tileLoaded.awaitNanos(remainingNs);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw reader.failure(tile, "was still being read when its thread was interrupted", e);
      }
      TileWindow.Slot slot = window.take();
      if (slot != null) {
        return slot;
      }
    }
    throw reader.failure(
        tile,
        "is not in memory after "
            + TimeUnit.NANOSECONDS.toMillis(timeoutNs)
            + " ms: the disk is too slow or hangs",
        null);
  }

  /** The bytes of a tile that has been acquired and not yet released. */
  MemorySegment bytes(TileWindow.Slot slot) {
    return slot.run().tileIn(target(slot), extents.get(slot.tile()));
  }

  void release(TileWindow.Slot slot) {
    lock.lock();
    try {
      window.release(slot);
      roomFreed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Starts over; {@link TileWindow#rewind}. */
  void rewind() {
    lock.lock();
    try {
      window.rewind();
      roomFreed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of memory. Any thread. */
  long ringBytes() {
    return ringBytes;
  }

  /** Time that the consumer has waited, nanoseconds. Any thread. */
  long waitNs() {
    return waitNs.get();
  }

  /**
   * Stops the readers and frees the memory.
   *
   * @throws IllegalStateException if a read does not end in time; the memory is not freed then, as
   *     the disk may still write to it
   */
  @Override
  public void close() {
    lock.lock();
    try {
      stopped = true;
      roomFreed.signalAll();
    } finally {
      lock.unlock();
    }
    long deadlineNs = System.nanoTime() + timeoutNs;
    for (Thread thread : threads) {
      if (!ended(thread, deadlineNs)) {
        throw new IllegalStateException(
            "a read has not ended for "
                + TimeUnit.NANOSECONDS.toMillis(timeoutNs)
                + " ms; "
                + ringBytes
                + " bytes stay allocated");
      }
    }
    arena.close();
  }

  private static boolean ended(Thread thread, long deadlineNs) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      long leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime());
      if (leftMs <= 0) {
        break;
      }
      try {
        thread.join(leftMs);
      } catch (InterruptedException e) {
        interrupted = true; // the memory cannot be freed before the reader ends
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  private void readAhead() {
    for (TileWindow.Slot slot = claim(); slot != null; slot = claim()) {
      TileReadException failure = null;
      try {
        reader.read(slot.run(), target(slot));
      } catch (TileReadException e) {
        failure = e;
      } catch (RuntimeException | Error e) {
        failure = reader.failure(slot.tile(), "cannot be read: " + e, e);
      }
      lock.lock();
      try {
        (window.loaded(slot, failure) ? tileLoaded : roomFreed).signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Waits for room, without a deadline: an idle consumer is no fault. Null on close. */
  private TileWindow.@Nullable Slot claim() {
    lock.lock();
    try {
      while (!stopped) {
        TileWindow.Slot slot = window.claim();
        if (slot != null) {
          return slot;
        }
        roomFreed.awaitUninterruptibly();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  private MemorySegment target(TileWindow.Slot slot) {
    return ring.asSlice(slot.offsetBytes(), slot.run().spanBytes());
  }
}
