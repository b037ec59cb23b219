package org.kithlm.node.rank;

import java.lang.foreign.MemorySegment;
import org.kithlm.memory.TileStore;
import org.kithlm.model.weight.WeightSource;

/** Plugs the memory scheduler's tiles into the forward pass. Owned by the rank's thread. */
record TileWeights(TileStore store) implements WeightSource {
  @Override
  public MemorySegment acquire(int tileIndex) {
    return store.acquire(tileIndex);
  }

  @Override
  public void release(int tileIndex) {
    store.release(tileIndex);
  }

  @Override
  public boolean isResident() {
    return store.isResident();
  }

  @Override
  public void back(int tileIndex) {
    store.back(tileIndex);
  }

  @Override
  public void rewind() {
    store.rewind();
  }

  @Override
  public void close() {
    store.close();
  }
}
