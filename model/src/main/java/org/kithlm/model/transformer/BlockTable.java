package org.kithlm.model.transformer;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Where the keys and values of one sequence lie: its blocks, layer by layer. One thread. */
final class BlockTable {
  /** The stem length of a branch that is not there. */
  static final int ABSENT = -1;

  private final List<List<MemorySegment>> layers = new ArrayList<>();
  private int sharedBlocks; // of each layer, those of the stem

  /** Positions that are filled in every layer. */
  int length;

  /** Positions that it shares with the stem; of a branch. */
  int stemLength = ABSENT;

  BlockTable(int layerCount) {
    for (int layer = 0; layer < layerCount; layer++) {
      layers.add(new ArrayList<>());
    }
  }

  MemorySegment block(int layer, int index) {
    return layers.get(layer).get(index);
  }

  /** Makes this share the stem's first blocks; it must be empty. */
  void share(BlockTable stem, int blocks) {
    sharedBlocks = blocks;
    for (int layer = 0; layer < layers.size(); layer++) {
      layers.get(layer).addAll(stem.layers.get(layer).subList(0, blocks));
    }
  }

  void add(int layer, MemorySegment block) {
    layers.get(layer).add(block);
  }

  /** Blocks of a layer, shared ones among them. */
  int blockCount(int layer) {
    return layers.get(layer).size();
  }

  /** Gives the last blocks of all layers back but for the first {@code keep}. */
  void trim(int keep, List<MemorySegment> to) {
    for (List<MemorySegment> layer : layers) {
      while (layer.size() > Math.max(keep, sharedBlocks)) {
        to.add(layer.removeLast());
      }
    }
  }

  /** Makes it absent and gives its own blocks back. */
  void drop(List<MemorySegment> to) {
    trim(0, to);
    layers.forEach(List::clear);
    sharedBlocks = 0;
    length = 0;
    stemLength = ABSENT;
  }
}
