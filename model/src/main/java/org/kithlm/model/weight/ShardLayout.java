package org.kithlm.model.weight;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Finds a rank's tiles by layer and matrix. Immutable. */
public final class ShardLayout {
  private final List<Tile> tiles;
  private final Map<TensorRole, int[]> firstTiles = new EnumMap<>(TensorRole.class);
  private final Map<TensorRole, int[]> endTiles = new EnumMap<>(TensorRole.class);

  /**
   * Indexes tiles.
   *
   * @param tiles in execution order, numbered from 0; those of one matrix follow one another
   * @param layerCount layers of the model; the LM head counts as layer {@code layerCount}
   */
  public ShardLayout(List<Tile> tiles, int layerCount) {
    this.tiles = List.copyOf(tiles);
    for (TensorRole role : TensorRole.values()) {
      firstTiles.put(role, new int[layerCount + 1]);
      endTiles.put(role, new int[layerCount + 1]);
    }
    for (int i = 0; i < tiles.size(); i++) {
      Tile tile = tiles.get(i);
      int[] first = of(firstTiles, tile.role());
      int[] end = of(endTiles, tile.role());
      boolean firstOfMatrix = end[tile.layer()] == 0;
      if (tile.index() != i || !(firstOfMatrix || end[tile.layer()] == i)) {
        throw new IllegalArgumentException("tile " + tile + " is not in order at " + i);
      }
      if (firstOfMatrix) {
        first[tile.layer()] = i;
      }
      end[tile.layer()] = i + 1;
    }
  }

  /** All tiles in execution order. */
  public List<Tile> tiles() {
    return tiles;
  }

  /** Index of the first tile of a matrix; equal to {@link #endTile} where the rank has none. */
  public int firstTile(int layer, TensorRole role) {
    return of(firstTiles, role)[layer];
  }

  /** Index after the last tile of a matrix. */
  public int endTile(int layer, TensorRole role) {
    return of(endTiles, role)[layer];
  }

  private static int[] of(Map<TensorRole, int[]> map, TensorRole role) {
    int[] tiles = map.get(role);
    if (tiles == null) {
      throw new AssertionError(role);
    }
    return tiles;
  }
}
