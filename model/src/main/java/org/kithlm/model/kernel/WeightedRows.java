package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * Weighted sums of matrix rows, the two products of attention: scores are the query's elements
 * times the rows of a transposed key block, outputs the probabilities times the value rows. Lanes
 * are outputs, so nothing is added across lanes and every vector width gives the same bits.
 */
public final class WeightedRows {
  private WeightedRows() {}

  /**
   * For each column j in {@code [0, columns)}: {@code out[outOffset + j] += sum over i in [0,
   * rowCount) of weights[weightOffset + i] * rows[rowOffset + i * rowStride + j]}, added in the
   * order of i.
   */
  public static void add(
      float[] weights,
      int weightOffset,
      int rowCount,
      float[] rows,
      int rowOffset,
      int rowStride,
      float[] out,
      int outOffset,
      int columns) {
    int j = 0;
    for (; j + 4 * COUNT <= columns; j += 4 * COUNT) {
      addFour(weights, weightOffset, rowCount, rows, rowOffset + j, rowStride, out, outOffset + j);
    }
    for (; j + COUNT <= columns; j += COUNT) {
      addOne(weights, weightOffset, rowCount, rows, rowOffset + j, rowStride, out, outOffset + j);
    }
    for (; j < columns; j++) {
      float sum = out[outOffset + j];
      for (int i = 0; i < rowCount; i++) {
        sum = Math.fma(weights[weightOffset + i], rows[rowOffset + i * rowStride + j], sum);
      }
      out[outOffset + j] = sum;
    }
  }

  /** Four vectors of columns. */
  private static void addFour(
      float[] weights,
      int weightOffset,
      int rowCount,
      float[] rows,
      int rowOffset,
      int rowStride,
      float[] out,
      int outOffset) {
    FloatVector sum0 = FloatVector.fromArray(FLOATS, out, outOffset);
    FloatVector sum1 = FloatVector.fromArray(FLOATS, out, outOffset + COUNT);
    FloatVector sum2 = FloatVector.fromArray(FLOATS, out, outOffset + 2 * COUNT);
    FloatVector sum3 = FloatVector.fromArray(FLOATS, out, outOffset + 3 * COUNT);
    for (int i = 0; i < rowCount; i++) {
      FloatVector weight = FloatVector.broadcast(FLOATS, weights[weightOffset + i]);
      int row = rowOffset + i * rowStride;
      sum0 = weight.fma(FloatVector.fromArray(FLOATS, rows, row), sum0);
      sum1 = weight.fma(FloatVector.fromArray(FLOATS, rows, row + COUNT), sum1);
      sum2 = weight.fma(FloatVector.fromArray(FLOATS, rows, row + 2 * COUNT), sum2);
      sum3 = weight.fma(FloatVector.fromArray(FLOATS, rows, row + 3 * COUNT), sum3);
    }
    sum0.intoArray(out, outOffset);
    sum1.intoArray(out, outOffset + COUNT);
    sum2.intoArray(out, outOffset + 2 * COUNT);
    sum3.intoArray(out, outOffset + 3 * COUNT);
  }

  private static void addOne(
      float[] weights,
      int weightOffset,
      int rowCount,
      float[] rows,
      int rowOffset,
      int rowStride,
      float[] out,
      int outOffset) {
    FloatVector sum = FloatVector.fromArray(FLOATS, out, outOffset);
    for (int i = 0; i < rowCount; i++) {
      FloatVector weight = FloatVector.broadcast(FLOATS, weights[weightOffset + i]);
      sum = weight.fma(FloatVector.fromArray(FLOATS, rows, rowOffset + i * rowStride), sum);
    }
    sum.intoArray(out, outOffset);
  }
}
