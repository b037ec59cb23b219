package org.kithlm.model.transformer;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.config.ModelTensors;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.kernel.Activations;
import org.kithlm.model.kernel.MatMul;
import org.kithlm.model.kernel.TermSums;
import org.kithlm.model.kernel.Workers;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.weight.ShardLayout;
import org.kithlm.model.weight.TensorRole;
import org.kithlm.model.weight.Tile;
import org.kithlm.model.weight.WeightSource;

/**
 * One rank's slices of the weight matrices, multiplied tile by tile as they come into memory. Owned
 * by the rank's compute thread, which shares the work with the workers.
 */
final class ShardMatrices {
  private static final float[] NO_FLOATS = {};

  private final ModelConfig config;
  private final RankShard shard;
  private final ShardLayout layout;
  private final WeightSource weights;
  private final Workers workers;
  private final Workers.Part part = this::multiply;
  private final List<MatMul> matMuls = new ArrayList<>();
  private final Activations activations;
  private final TileBatch batch;

  ShardMatrices(
      ModelConfig config,
      RankShard shard,
      ShardLayout layout,
      WeightSource weights,
      Workers workers,
      int tokensMax) {
    this.config = config;
    this.shard = shard;
    this.layout = layout;
    this.weights = weights;
    this.workers = workers;
    for (int i = 0; i < workers.count(); i++) {
      matMuls.add(new MatMul());
    }
    int columnsMax = 0;
    Set<GgmlType> types = EnumSet.noneOf(GgmlType.class);
    for (Tile tile : layout.tiles()) {
      columnsMax = Math.max(columnsMax, columnCount(tile.role()));
      types.add(tile.type());
    }
    activations = new Activations(tokensMax, columnsMax, types);
    batch = new TileBatch(workers.count());
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
      case LM_HEAD -> shard.logitCount();
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
      case LM_HEAD -> shard.firstLogit();
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
   * Takes the inputs of the products that follow.
   *
   * @param x [tokenCount x columns], not to be changed until {@link #complete}
   */
  void input(float[] x, int tokenCount, int columns) {
    activations.set(x, tokenCount, columns);
  }

  /**
   * Adds the product of a slice with the inputs to y, which is whole after {@link #complete}. Each
   * tile is held while all tokens pass it, and only then; small tiles are held together, so that
   * threads meet less often.
   *
   * @param y outputs [tokenCount x rowCount]
   */
  void addProduct(int layer, TensorRole role, float[] y) {
    addProduct(layer, role, y, TermSums.NONE);
  }

  /** {@link #addProduct} for a matrix whose columns are shared by ranks: this rank's terms. */
  void addPartialSums(int layer, TensorRole role, TermSums y) {
    addProduct(layer, role, NO_FLOATS, y);
  }

  private void addProduct(int layer, TensorRole role, float[] y, TermSums partialSum) {
    for (int i = layout.firstTile(layer, role); i < layout.endTile(layer, role); i++) {
      Tile tile = layout.tiles().get(i);
      activations.prepare(tile.type());
      try {
        batch.add(tile, weights.acquire(i), y, partialSum);
      } catch (RuntimeException | Error e) {
        releaseBatch();
        throw e;
      }
      if (batch.isFull()) {
        complete();
      }
    }
  }

  /** Finishes the products so far. */
  void complete() {
    try {
      if (batch.size() > 0) {
        workers.run(part);
      }
    } finally {
      releaseBatch();
    }
  }

  private void releaseBatch() {
    for (int i = 0; i < batch.size(); i++) {
      weights.release(batch.tile(i).index());
    }
    batch.clear();
  }

  /** A thread's share of each tile of the batch: a run of its row groups. */
  private void multiply(int index, int count) {
    MatMul matMul = matMuls.get(index);
    for (int i = 0; i < batch.size(); i++) {
      Tile tile = batch.tile(i);
      int column = tile.firstColumn() - firstColumn(tile.role());
      int row = tile.firstRow() - firstRow(tile.role());
      int stride = rowCount(tile.role());
      int first = (int) ((long) tile.groupCount() * index / count);
      int end = (int) ((long) tile.groupCount() * (index + 1) / count);
      MemorySegment bytes = batch.bytes(i);
      TermSums sums = batch.partialSum(i);
      if (sums == TermSums.NONE) {
        float[] y = batch.output(i);
        matMul.addProduct(tile, bytes, activations, column, y, row, stride, first, end);
      } else {
        matMul.addPartialSums(tile, bytes, activations, column, sums, row, stride, first, end);
      }
    }
  }
}
