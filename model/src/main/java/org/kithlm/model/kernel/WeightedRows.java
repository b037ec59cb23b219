package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * Weighted sums of matrix rows, the two products of attention: scores are the query's elements
 * times the rows of a transposed key tile, outputs the probabilities times the value rows. Lanes
 * are outputs, so nothing is added across lanes and every vector width gives the same bits.
 */
public final class WeightedRows {
  /** Sums that are computed side by side, so that each row is loaded once for all of them. */
  public static final int BLOCK = 4;

  /** Columns come in multiples of this: two of the widest vectors. */
  public static final int COLUMNS = 32;

  private WeightedRows() {}

  /**
   * For each k in {@code [0, BLOCK)} and column j in {@code [0, columns)}: {@code out[outOffset + k
   * * outStride + j] += sum over i in [0, rowCount) of weights[weightOffset + k * weightStride + i]
   * * rows[i * rowStride + j]}, added in the order of i.
   *
   * @param columns a multiple of {@value #COLUMNS}
   */
  public static void add(
      float[] weights,
      int weightOffset,
      int weightStride,
      int rowCount,
      float[] rows,
      int rowStride,
      float[] out,
      int outOffset,
      int outStride,
      int columns) {
    for (int j = 0; j < columns; j += 2 * COUNT) {
      addTwoVectors(
          weights,
          weightOffset,
          weightStride,
          rowCount,
          rows,
          j,
          rowStride,
          out,
          outOffset + j,
          outStride);
    }
  }

  /** 4 x 2 sums, enough to hide the latency of a fused multiply-add, in 11 of 16 registers. */
  private static void addTwoVectors(
      float[] weights,
      int weightOffset,
      int weightStride,
      int rowCount,
      float[] rows,
      int rowOffset,
      int rowStride,
      float[] out,
      int outOffset,
      int outStride) {
    int weight1 = weightOffset + weightStride;
    int weight2 = weight1 + weightStride;
    int weight3 = weight2 + weightStride;
    int out1 = outOffset + outStride;
    int out2 = out1 + outStride;
    int out3 = out2 + outStride;
    FloatVector low0 = FloatVector.fromArray(FLOATS, out, outOffset);
    FloatVector low1 = FloatVector.fromArray(FLOATS, out, out1);
    FloatVector low2 = FloatVector.fromArray(FLOATS, out, out2);
    FloatVector low3 = FloatVector.fromArray(FLOATS, out, out3);
    FloatVector high0 = FloatVector.fromArray(FLOATS, out, outOffset + COUNT);
    FloatVector high1 = FloatVector.fromArray(FLOATS, out, out1 + COUNT);
    FloatVector high2 = FloatVector.fromArray(FLOATS, out, out2 + COUNT);
    FloatVector high3 = FloatVector.fromArray(FLOATS, out, out3 + COUNT);
    for (int i = 0; i < rowCount; i++) {
      int row = rowOffset + i * rowStride;
      FloatVector low = FloatVector.fromArray(FLOATS, rows, row);
      FloatVector high = FloatVector.fromArray(FLOATS, rows, row + COUNT);
      FloatVector weight = FloatVector.broadcast(FLOATS, weights[weightOffset + i]);
      low0 = weight.fma(low, low0);
      high0 = weight.fma(high, high0);
      weight = FloatVector.broadcast(FLOATS, weights[weight1 + i]);
      low1 = weight.fma(low, low1);
      high1 = weight.fma(high, high1);
      weight = FloatVector.broadcast(FLOATS, weights[weight2 + i]);
      low2 = weight.fma(low, low2);
      high2 = weight.fma(high, high2);
      weight = FloatVector.broadcast(FLOATS, weights[weight3 + i]);
      low3 = weight.fma(low, low3);
      high3 = weight.fma(high, high3);
    }
    low0.intoArray(out, outOffset);
    low1.intoArray(out, out1);
    low2.intoArray(out, out2);
    low3.intoArray(out, out3);
    high0.intoArray(out, outOffset + COUNT);
    high1.intoArray(out, out1 + COUNT);
    high2.intoArray(out, out2 + COUNT);
    high3.intoArray(out, out3 + COUNT);
  }
}
