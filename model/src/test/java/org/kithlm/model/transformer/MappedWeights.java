package org.kithlm.model.transformer;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import org.kithlm.model.weight.Tile;
import org.kithlm.model.weight.WeightSource;

/** Tiles straight from a mapped pack; insists on the order and pairing of calls. */
final class MappedWeights implements WeightSource {
  private final List<MemorySegment> tiles;
  private final BitSet held = new BitSet();
  private final boolean resident;
  private int next;

  /**
   * Nothing held.
   *
   * @param resident what to say when asked
   */
  MappedWeights(MemorySegment pack, List<Tile> tiles, boolean resident) {
    this.resident = resident;
    this.tiles =
        tiles.stream().map(tile -> pack.asSlice(tile.offsetBytes(), tile.lengthBytes())).toList();
  }

  @Override
  public MemorySegment acquire(int tileIndex) {
    require(tileIndex == next && !held.get(tileIndex), "tile acquired out of order");
    held.set(tileIndex);
    next = (tileIndex + 1) % tiles.size();
    return tiles.get(tileIndex);
  }

  @Override
  public void release(int tileIndex) {
    require(held.get(tileIndex), "tile released that is not held");
    held.clear(tileIndex);
  }

  @Override
  public boolean isResident() {
    return resident;
  }

  @Override
  public void back(int tileIndex) {
    require(resident, "went back to a tile that is not in memory");
    requireNothingHeld();
    next = tileIndex;
  }

  @Override
  public void rewind() {
    requireNothingHeld();
    next = 0;
  }

  void requireNothingHeld() {
    require(held.isEmpty(), "tiles still held");
  }

  @Override
  public void close() {}

  private static void require(boolean ok, String message) {
    if (!ok) {
      throw new IllegalStateException(message);
    }
  }
}
