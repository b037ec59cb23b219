package org.kithlm.memory;

import java.lang.foreign.MemorySegment;

/**
 * Tiles of one file in memory. They are numbered in the order in which they are used and walked in
 * a cycle: 0, 1, .. n-1, 0, 1, ..; several may be held at once. The first call of {@link #acquire}
 * makes its thread the owner, and only the owner may acquire, release and rewind.
 */
public interface TileStore extends AutoCloseable {
  /**
   * Waits until the next tile of the cycle is in memory and checked.
   *
   * @param tile its index in the list that the store was made from
   * @return its bytes, exactly as long as its extent, valid until {@link #release}; no alignment is
   *     promised
   * @throws TileReadException if it cannot be read or its checksum is wrong
   * @throws IllegalStateException if it is not its turn, the store is closed or another thread owns
   *     it
   */
  MemorySegment acquire(int tile);

  /**
   * Gives a tile back; its memory may be reused at once.
   *
   * @throws IllegalStateException if it is not held
   */
  void release(int tile);

  /**
   * Ends the cycle early: the next acquire is of tile 0.
   *
   * @throws IllegalStateException if a tile is held
   */
  void rewind();

  /**
   * Frees the memory, also of tiles that are still held; later calls are errors. Idempotent. Any
   * thread, but the owner must have stopped.
   */
  @Override
  void close();

  /** Bytes of memory that hold or may hold tiles. Any thread. */
  long residentBytes();

  /** Bytes read from the file since the store was made, the first load of pinned tiles left out. */
  long streamedBytes();

  /** Time that {@link #acquire} has waited for the disk, nanoseconds. Any thread. */
  long waitNs();
}
