package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * Dot products of dequantized weight rows with activations, added to the outputs. Each product is
 * computed the same way however many rows and tokens are taken at once: lane by lane with one
 * accumulator, then {@link Lanes#sum}, then the elements that fill no vector. So the result of a
 * token does not depend on its neighbours in a batch.
 *
 * <p>Rows are {@code rowStride} apart in {@code w}, from 0; tokens {@code xStride} apart in {@code
 * x}; token {@code t} and row {@code r} add to {@code y[yOffset + t * yStride + r]}. The scratch
 * {@code lanes} has {@link #SCRATCH_LENGTH} elements.
 */
final class DotProducts {
  /** Rows and tokens of the largest form. */
  static final int BLOCK = 4;

  static final int SCRATCH_LENGTH = BLOCK * BLOCK * COUNT;

  private DotProducts() {}

  /** One row, one token. */
  static void dot(
      float[] w,
      int wOffset,
      float[] x,
      int xOffset,
      int length,
      float[] y,
      int yOffset,
      float[] lanes) {
    FloatVector sum = FloatVector.zero(FLOATS);
    int body = FLOATS.loopBound(length);
    for (int i = 0; i < body; i += COUNT) {
      sum = vector(w, wOffset + i).fma(vector(x, xOffset + i), sum);
    }
    sum.intoArray(lanes, 0);
    y[yOffset] += tail(w, wOffset, x, xOffset, body, length, Lanes.sum(lanes, 0));
  }

  /** Four rows, one token. */
  static void dot4(
      float[] w,
      int rowStride,
      float[] x,
      int xOffset,
      int length,
      float[] y,
      int yOffset,
      float[] lanes) {
    FloatVector sum0 = FloatVector.zero(FLOATS);
    FloatVector sum1 = sum0;
    FloatVector sum2 = sum0;
    FloatVector sum3 = sum0;
    int body = FLOATS.loopBound(length);
    for (int i = 0; i < body; i += COUNT) {
      FloatVector v = vector(x, xOffset + i);
      sum0 = v.fma(vector(w, i), sum0);
      sum1 = v.fma(vector(w, i + rowStride), sum1);
      sum2 = v.fma(vector(w, i + 2 * rowStride), sum2);
      sum3 = v.fma(vector(w, i + 3 * rowStride), sum3);
    }
    sum0.intoArray(lanes, 0);
    sum1.intoArray(lanes, COUNT);
    sum2.intoArray(lanes, 2 * COUNT);
    sum3.intoArray(lanes, 3 * COUNT);
    for (int r = 0; r < 4; r++) {
      y[yOffset + r] +=
          tail(w, r * rowStride, x, xOffset, body, length, Lanes.sum(lanes, r * COUNT));
    }
  }

  /** Four rows, four tokens. */
  static void dot4x4(
      float[] w,
      int rowStride,
      float[] x,
      int xOffset,
      int xStride,
      int length,
      float[] y,
      int yOffset,
      int yStride,
      float[] lanes) {
    int body = FLOATS.loopBound(length);
    dot4x4Body(w, rowStride, x, xOffset, xStride, body, lanes);
    for (int t = 0; t < 4; t++) {
      for (int r = 0; r < 4; r++) {
        float sum = Lanes.sum(lanes, (4 * t + r) * COUNT);
        y[yOffset + t * yStride + r] +=
            tail(w, r * rowStride, x, xOffset + t * xStride, body, length, sum);
      }
    }
  }

  private static void dot4x4Body(
      float[] w, int rowStride, float[] x, int x0, int xStride, int body, float[] lanes) {
    FloatVector s00 = FloatVector.zero(FLOATS);
    FloatVector s01 = s00;
    FloatVector s02 = s00;
    FloatVector s03 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s12 = s00;
    FloatVector s13 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s22 = s00;
    FloatVector s23 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s32 = s00;
    FloatVector s33 = s00;
    for (int i = 0; i < body; i += COUNT) {
      FloatVector w0 = vector(w, i);
      FloatVector w1 = vector(w, i + rowStride);
      FloatVector w2 = vector(w, i + 2 * rowStride);
      FloatVector w3 = vector(w, i + 3 * rowStride);
      FloatVector v = vector(x, x0 + i);
      s00 = v.fma(w0, s00);
      s01 = v.fma(w1, s01);
      s02 = v.fma(w2, s02);
      s03 = v.fma(w3, s03);
      v = vector(x, x0 + xStride + i);
      s10 = v.fma(w0, s10);
      s11 = v.fma(w1, s11);
      s12 = v.fma(w2, s12);
      s13 = v.fma(w3, s13);
      v = vector(x, x0 + 2 * xStride + i);
      s20 = v.fma(w0, s20);
      s21 = v.fma(w1, s21);
      s22 = v.fma(w2, s22);
      s23 = v.fma(w3, s23);
      v = vector(x, x0 + 3 * xStride + i);
      s30 = v.fma(w0, s30);
      s31 = v.fma(w1, s31);
      s32 = v.fma(w2, s32);
      s33 = v.fma(w3, s33);
    }
    s00.intoArray(lanes, 0);
    s01.intoArray(lanes, COUNT);
    s02.intoArray(lanes, 2 * COUNT);
    s03.intoArray(lanes, 3 * COUNT);
    s10.intoArray(lanes, 4 * COUNT);
    s11.intoArray(lanes, 5 * COUNT);
    s12.intoArray(lanes, 6 * COUNT);
    s13.intoArray(lanes, 7 * COUNT);
    s20.intoArray(lanes, 8 * COUNT);
    s21.intoArray(lanes, 9 * COUNT);
    s22.intoArray(lanes, 10 * COUNT);
    s23.intoArray(lanes, 11 * COUNT);
    s30.intoArray(lanes, 12 * COUNT);
    s31.intoArray(lanes, 13 * COUNT);
    s32.intoArray(lanes, 14 * COUNT);
    s33.intoArray(lanes, 15 * COUNT);
  }

  private static FloatVector vector(float[] values, int offset) {
    return FloatVector.fromArray(FLOATS, values, offset);
  }

  private static float tail(
      float[] w, int wOffset, float[] x, int xOffset, int from, int to, float sum) {
    for (int i = from; i < to; i++) {
      sum = Math.fma(w[wOffset + i], x[xOffset + i], sum);
    }
    return sum;
  }
}
