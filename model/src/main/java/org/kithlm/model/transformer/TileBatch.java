package org.kithlm.model.transformer;

import java.lang.foreign.MemorySegment;
import org.kithlm.model.kernel.TermSums;
import org.kithlm.model.weight.Tile;

/**
 * Tiles in memory that the threads go through together. A hand-off costs some microseconds, a tile
 * of 200 KiB about ten; so small tiles wait for one another, but no more than a few, as those of a
 * ring are held meanwhile. One thread alone waits for none.
 */
final class TileBatch {
  private static final int TILES_MAX = 4;
  private static final long BYTES_MAX = 1 << 20;

  private final Tile[] tiles;
  private final MemorySegment[] bytes;
  private final float[][] outputs;
  private final TermSums[] partialSums;
  private int size;
  private long lengthBytes;

  TileBatch(int threads) {
    int tilesMax = threads == 1 ? 1 : TILES_MAX;
    tiles = new Tile[tilesMax];
    bytes = new MemorySegment[tilesMax];
    outputs = new float[tilesMax][];
    partialSums = new TermSums[tilesMax];
  }

  /** Adds a tile with where its product goes; one of the two is empty. */
  void add(Tile tile, MemorySegment tileBytes, float[] output, TermSums partialSum) {
    tiles[size] = tile;
    bytes[size] = tileBytes;
    outputs[size] = output;
    partialSums[size] = partialSum;
    size++;
    lengthBytes += tile.lengthBytes();
  }

  boolean isFull() {
    return size == tiles.length || lengthBytes >= BYTES_MAX;
  }

  void clear() {
    size = 0;
    lengthBytes = 0;
  }

  int size() {
    return size;
  }

  Tile tile(int i) {
    return tiles[i];
  }

  MemorySegment bytes(int i) {
    return bytes[i];
  }

  float[] output(int i) {
    return outputs[i];
  }

  /** Empty where the product goes to {@link #output}. */
  TermSums partialSum(int i) {
    return partialSums[i];
  }
}
