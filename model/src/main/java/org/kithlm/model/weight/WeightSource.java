package org.kithlm.model.weight;

import java.lang.foreign.MemorySegment;

/**
 * Brings a rank's tiles into memory. Tiles are numbered in execution order and walked in that
 * order, again and again, one cycle per pass over the weights; several may be held at once. All
 * calls come from the rank's compute thread.
 */
public interface WeightSource extends AutoCloseable {
  /**
   * Waits until a tile is in memory and checked.
   *
   * @param tileIndex {@link Tile#index()}
   * @return its bytes, little-endian, exactly {@link Tile#lengthBytes()} long, 64-byte aligned
   *     start not promised, valid until {@link #release}
   * @throws RuntimeException if it cannot be read or its checksum is wrong; the message names the
   *     tile and the file
   */
  MemorySegment acquire(int tileIndex);

  /** Gives a tile back, once per {@link #acquire}; its memory may be reused at once. */
  void release(int tileIndex);

  /** Whether all tiles stay in memory, so that {@link #back} is free. */
  boolean isResident();

  /**
   * Goes back in the cycle: the next acquire is of this tile. Only where {@link #isResident}, and
   * while nothing is held.
   */
  void back(int tileIndex);

  /** Ends the cycle early: the next acquire may be of tile 0. Nothing may be held. */
  void rewind();

  /** Frees the memory; later calls are errors. */
  @Override
  void close();
}
