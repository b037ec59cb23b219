package org.kithlm.model.transformer;

import java.lang.foreign.MemorySegment;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.kernel.MatMul;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;
import org.kithlm.model.weight.WeightSource;

/** One rank's slices of the weight matrices, multiplied tile by tile as they come into memory. */
final class ShardMatrices {
  private final ModelConfig config;
  private final RankShard shard;
  private final ShardLayout layout;
  private final WeightSource weights;
  private final MatMul matMul = new MatMul();

  ShardMatrices(ModelConfig config, RankShard shard, ShardLayout layout, WeightSource weights) {
    this.config = config;
    this.shard = shard;
    this.layout = layout;
    this.weights = weights;
  }

  /**
   * Checks that the tiles of a matrix cover this rank's slice.
   *
   * @throws IllegalArgumentException if they do not
   */
  void requireComplete(int layer, TensorRole role) {
    long elements = 0;
    int rowEnd = firstRow(role) + rowCount(role);
    int columnEnd = firstColumn(role) + columnCount(role);
    for (int i = layout.firstTile(layer, role); i < layout.endTile(layer, role); i++) {
      Tile tile = layout.tiles().get(i);
      if (tile.firstRow() < firstRow(role)
          || tile.firstRow() + tile.rowCount() > rowEnd
          || tile.firstColumn() < firstColumn(role)
          || tile.firstColumn() + tile.columnCount() > columnEnd) {
        throw new IllegalArgumentException("tile " + tile + " lies outside of " + shard);
      }
      elements += (long) tile.rowCount() * tile.columnCount();
    }
    long expected = (long) rowCount(role) * columnCount(role);
    if (elements != expected) {
      throw new IllegalArgumentException(
          role
              + " of layer "
              + layer
              + ": tiles hold "
              + elements
              + " of "
              + expected
              + " elements");
    }
  }

  /** Rows of this rank's slice: the length of an output. */
  int rowCount(TensorRole role) {
    return switch (role) {
      case ATTN_Q -> shard.headCount() * config.headDim();
      case ATTN_K, ATTN_V -> shard.kvHeadCount() * config.headDim();
      case FFN_GATE, FFN_UP -> shard.ffnColumnCount();
      case LM_HEAD -> shard.hasHead() ? config.vocabularySize() : 0;
      case ATTN_OUTPUT -> shard.headCount() == 0 ? 0 : config.hiddenSize();
      case FFN_DOWN -> shard.ffnColumnCount() == 0 ? 0 : config.hiddenSize();
    };
  }

  /** Columns of this rank's slice: the length of an input. */
  int columnCount(TensorRole role) {
    return switch (role) {
      case ATTN_OUTPUT -> shard.headCount() * config.headDim();
      case FFN_DOWN -> shard.ffnColumnCount();
      default -> ModelTensors.columns(config, role);
    };
  }

  /** First row of this rank's slice in the whole matrix. */
  int firstRow(TensorRole role) {
    return switch (role) {
      case ATTN_Q -> shard.firstHead() * config.headDim();
      case ATTN_K, ATTN_V -> shard.firstKvHead() * config.headDim();
      case FFN_GATE, FFN_UP -> shard.firstFfnColumn();
      default -> 0;
    };
  }

  private int firstColumn(TensorRole role) {
    return switch (role) {
      case ATTN_OUTPUT -> shard.firstHead() * config.headDim();
      case FFN_DOWN -> shard.firstFfnColumn();
      default -> 0;
    };
  }

  /**
   * Adds the product of a slice to y. Each tile is held while all tokens pass it, and only then.
   *
   * @param x inputs [tokenCount x columnCount]
   * @param y outputs [tokenCount x rowCount]
   */
  void addProduct(int layer, TensorRole role, float[] x, int tokenCount, float[] y) {
    int columns = columnCount(role);
    int rows = rowCount(role);
    for (int i = layout.firstTile(layer, role); i < layout.endTile(layer, role); i++) {
      Tile tile = layout.tiles().get(i);
      int xOffset = tile.firstColumn() - firstColumn(role);
      int yOffset = tile.firstRow() - firstRow(role);
      MemorySegment bytes = weights.acquire(i);
      try {
        matMul.addProduct(tile, bytes, x, xOffset, columns, tokenCount, y, yOffset, rows);
      } finally {
        weights.release(i);
      }
    }
  }
}
