package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * Root mean square normalisation. Every rank computes it for itself, on processors that may differ
 * in vector width, and the results must be the same bits: so the squares are added in one fixed
 * order, in double precision, by plain code.
 */
public final class RmsNorm {
  private RmsNorm() {}

  /**
   * {@code out[i] = x[i] / sqrt(mean(x^2) + epsilon) * weight[i]} over {@code length} elements; x
   * and out may be the same range.
   */
  public static void normalize(
      float[] x,
      int xOffset,
      float[] weight,
      float epsilon,
      float[] out,
      int outOffset,
      int length) {
    float scale = (float) (1 / Math.sqrt(sumOfSquares(x, xOffset, length) / length + epsilon));
    int body = FLOATS.loopBound(length);
    for (int i = 0; i < body; i += COUNT) {
      FloatVector scaled = FloatVector.fromArray(FLOATS, x, xOffset + i).mul(scale);
      scaled.mul(FloatVector.fromArray(FLOATS, weight, i)).intoArray(out, outOffset + i);
    }
    for (int i = body; i < length; i++) {
      out[outOffset + i] = x[xOffset + i] * scale * weight[i];
    }
  }

  /** Four sums side by side hide the latency of an addition. */
  private static double sumOfSquares(float[] x, int offset, int length) {
    double sum0 = 0;
    double sum1 = 0;
    double sum2 = 0;
    double sum3 = 0;
    int i = 0;
    for (; i + 4 <= length; i += 4) {
      sum0 += square(x[offset + i]);
      sum1 += square(x[offset + i + 1]);
      sum2 += square(x[offset + i + 2]);
      sum3 += square(x[offset + i + 3]);
    }
    for (; i < length; i++) {
      sum0 += square(x[offset + i]);
    }
    return sum0 + sum1 + (sum2 + sum3);
  }

  private static double square(double v) {
    return v * v;
  }
}
