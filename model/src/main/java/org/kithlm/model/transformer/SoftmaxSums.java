package org.kithlm.model.transformer;

import java.util.Arrays;
import org.kithlm.model.kernel.OnlineSoftmax;

/**
 * Softmax-weighted sums of values under way, one row for each query: the highest score so far, the
 * sum of exponentials relative to it, and the values weighted by these.
 */
final class SoftmaxSums {
  private final int width;
  private float[] values;
  private float[] maxima;
  private float[] sums;

  /**
   * @param rows initially
   * @param width elements of a value, a multiple of 32
   */
  SoftmaxSums(int rows, int width) {
    this.width = width;
    values = new float[rows * width];
    maxima = new float[rows];
    sums = new float[rows];
  }

  /** Makes room; the rows are undefined where there was too little. */
  void ensureRows(int rows) {
    if (rows > maxima.length) {
      int grown = Math.max(rows, 2 * maxima.length);
      values = new float[Math.multiplyExact(grown, width)];
      maxima = new float[grown];
      sums = new float[grown];
    }
  }

  /** Weighted values [rows x width], to be added to. */
  float[] values() {
    return values;
  }

  /** Makes rows stand for no positions. */
  void clear(int firstRow, int rows) {
    Arrays.fill(values, firstRow * width, (firstRow + rows) * width, 0);
    Arrays.fill(maxima, firstRow, firstRow + rows, Float.NEGATIVE_INFINITY);
    Arrays.fill(sums, firstRow, firstRow + rows, 0);
  }

  /** Tells what the values of a cleared row are relative to. */
  void set(int row, float max, float sum) {
    maxima[row] = max;
    sums[row] = sum;
  }

  /** Adds rows of positions that follow those of this; not where there are none. */
  void merge(SoftmaxSums others, int firstOther, int rows) {
    for (int row = 0; row < rows; row++) {
      int other = firstOther + row;
      if (others.maxima[other] != Float.NEGATIVE_INFINITY) {
        float max = Math.max(maxima[row], others.maxima[other]);
        float factor = OnlineSoftmax.rescale(maxima[row], max);
        float otherFactor = OnlineSoftmax.rescale(others.maxima[other], max);
        OnlineSoftmax.merge(
            values, row * width, factor, others.values, other * width, otherFactor, width);
        sums[row] = sums[row] * factor + others.sums[other] * otherFactor;
        maxima[row] = max;
      }
    }
  }

  /** Writes the first {@code length} elements of a row's weighted mean. */
  void writeMean(int row, float[] out, int offset, int length) {
    float factor = 1 / sums[row];
    for (int i = 0; i < length; i++) {
      out[offset + i] = values[row * width + i] * factor;
    }
  }
}
