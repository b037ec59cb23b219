package org.kithlm.model.transformer;

import static org.kithlm.model.transformer.KvCache.BLOCK_POSITIONS;
import static org.kithlm.model.transformer.KvCache.TILE_POSITIONS;

import java.util.Arrays;
import org.kithlm.model.config.ModelConfig;
import org.kithlm.model.kernel.OnlineSoftmax;
import org.kithlm.model.kernel.WeightedRows;

/**
 * What queries of consecutive tokens that read one KV head get from a block of its positions. Keys
 * and values are widened once for all of them, a tile at a time, which stays in the L1 or L2 cache:
 * 32 x 128 elements are 16 KiB. One instance belongs to one thread.
 *
 * <p>A row of queries is a head of a token; all heads of the first token come first.
 */
final class BlockAttention {
  private final ModelConfig config;
  private final KvCache cache;
  private final int headDim;
  private final int width;
  private final OnlineSoftmax softmax = new OnlineSoftmax(BLOCK_POSITIONS);
  private final float[] queries;
  private final float[] scores;
  private final float[] keys;
  private final float[] values;
  private int sequence;
  private int layer;
  private int kvHead;
  private int startPosition;
  private int rows;
  private int rowsPerToken;

  /**
   * @param rowsMax of queries, a multiple of {@link WeightedRows#BLOCK}
   */
  BlockAttention(ModelConfig config, KvCache cache, int rowsMax) {
    this.config = config;
    this.cache = cache;
    headDim = config.headDim();
    width = width(config);
    queries = new float[rowsMax * headDim];
    scores = new float[rowsMax * BLOCK_POSITIONS];
    keys = new float[headDim * TILE_POSITIONS];
    values = new float[TILE_POSITIONS * width];
  }

  /** Elements of a row of sums: a value, and zeros up to whole vectors. */
  static int width(ModelConfig config) {
    return Math.ceilDiv(config.headDim(), WeightedRows.COLUMNS) * WeightedRows.COLUMNS;
  }

  /** Rows of sums that so many queries need. */
  static int paddedRows(int rows) {
    return Math.ceilDiv(rows, WeightedRows.BLOCK) * WeightedRows.BLOCK;
  }

  /**
   * Takes queries over.
   *
   * @param from token by token, {@code tokenStride} elements from one to the next
   * @param heads that read the KV head, in consecutive places
   * @param tokens at consecutive positions
   */
  void load(
      int newSequence,
      int newLayer,
      int newKvHead,
      float[] from,
      int offset,
      int tokenStride,
      int heads,
      int tokens,
      int firstPosition) {
    sequence = newSequence;
    layer = newLayer;
    kvHead = newKvHead;
    startPosition = firstPosition;
    rows = tokens * heads;
    rowsPerToken = heads;
    int length = heads * headDim;
    for (int token = 0; token < tokens; token++) {
      System.arraycopy(from, offset + token * tokenStride, queries, token * length, length);
    }
    Arrays.fill(queries, rows * headDim, paddedRows(rows) * headDim, 0);
  }

  /** Queries that are loaded. */
  int rows() {
    return rows;
  }

  /** A local layer sees {@code slidingWindow} positions, its own among them. */
  static int firstVisible(ModelConfig config, int layer, int position) {
    return config.isGlobalLayer(layer) ? 0 : Math.max(0, position + 1 - config.slidingWindow());
  }

  /** Replaces {@code paddedRows(rows())} rows of sums by those over a block that is not unseen. */
  void attend(int block, SoftmaxSums sums, int firstRow) {
    int start = block * BLOCK_POSITIONS;
    int from = Math.max(firstVisible(config, layer, startPosition) - start, 0);
    int to = Math.min(startPosition + rows / rowsPerToken - start, BLOCK_POSITIONS);
    sums.clear(firstRow, paddedRows(rows));
    score(start, from, to);
    for (int row = 0; row < rows; row++) {
      normalize(start, row, sums, firstRow + row);
    }
    addValues(start, from, to, sums, firstRow);
  }

  /** Products of all queries with the keys of the tiles that hold {@code [from, to)}. */
  private void score(int start, int from, int to) {
    Arrays.fill(scores, 0, paddedRows(rows) * BLOCK_POSITIONS, 0);
    for (int tile = from - from % TILE_POSITIONS; tile < to; tile += TILE_POSITIONS) {
      cache.readKeys(sequence, layer, kvHead, start + tile, keys);
      for (int row = 0; row < rows; row += WeightedRows.BLOCK) {
        WeightedRows.add(
            queries,
            row * headDim,
            headDim,
            headDim,
            keys,
            TILE_POSITIONS,
            scores,
            row * BLOCK_POSITIONS + tile,
            BLOCK_POSITIONS,
            TILE_POSITIONS);
      }
    }
  }

  /** Makes the scores of a row weights; those of positions that it does not see are 0. */
  private void normalize(int start, int row, SoftmaxSums sums, int sumRow) {
    int position = startPosition + row / rowsPerToken;
    int from = Math.max(firstVisible(config, layer, position) - start, 0);
    int to = Math.min(position + 1 - start, BLOCK_POSITIONS);
    int offset = row * BLOCK_POSITIONS;
    if (from >= to) {
      Arrays.fill(scores, offset, offset + BLOCK_POSITIONS, 0);
      return;
    }
    if (config.attentionSoftcap() > 0) {
      Softcap.apply(scores, offset + from, offset + to, config.attentionSoftcap());
    }
    fillUnseen(offset, from, to, Float.NEGATIVE_INFINITY);
    float max = softmax.max(scores, offset);
    softmax.exponentiate(scores, offset, max);
    fillUnseen(offset, from, to, 0);
    sums.set(sumRow, max, softmax.sum(scores, offset));
  }

  private void fillUnseen(int offset, int from, int to, float value) {
    Arrays.fill(scores, offset, offset + from, value);
    Arrays.fill(scores, offset + to, offset + BLOCK_POSITIONS, value);
  }

  private void addValues(int start, int from, int to, SoftmaxSums sums, int firstRow) {
    for (int tile = from - from % TILE_POSITIONS; tile < to; tile += TILE_POSITIONS) {
      int first = Math.max(from, tile);
      int count = Math.min(to, tile + TILE_POSITIONS) - first;
      cache.readValues(sequence, layer, kvHead, start + first, count, values, width);
      for (int row = 0; row < rows; row += WeightedRows.BLOCK) {
        WeightedRows.add(
            scores,
            row * BLOCK_POSITIONS + first,
            BLOCK_POSITIONS,
            count,
            values,
            width,
            sums.values(),
            (firstRow + row) * width,
            width,
            width);
      }
    }
  }
}
