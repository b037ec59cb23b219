package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import org.kithlm.model.weight.RowGroups;

/**
 * Float weights, which lie in the chunk's scales, times activations. Results are added to {@code
 * y[yAt + row]} (and {@code yStride} further for each token).
 */
final class FloatKernel {
  private static final int ROWS = RowGroups.ROWS;

  private FloatKernel() {}

  /** One token, whose inputs start at {@code at}. */
  static void one(Chunk chunk, float[] x, int at, float[] y, int yAt) {
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int w = group * chunk.blocks * ROWS + lane;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        for (int column = 0; column < chunk.blocks; column++, w += ROWS) {
          FloatVector weights = FloatVector.fromArray(FLOATS, chunk.scales, w);
          y0 = weights.fma(FloatVector.broadcast(FLOATS, x[at + column]), y0);
        }
        y0.intoArray(y, rows);
      }
    }
  }

  /** {@value Activations#TOKENS} tokens, {@code xStride} apart. */
  static void four(Chunk chunk, float[] x, int at, int xStride, float[] y, int yAt, int yStride) {
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int w = group * chunk.blocks * ROWS + lane;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = FloatVector.fromArray(FLOATS, y, rows + yStride);
        FloatVector y2 = FloatVector.fromArray(FLOATS, y, rows + 2 * yStride);
        FloatVector y3 = FloatVector.fromArray(FLOATS, y, rows + 3 * yStride);
        for (int column = at; column < at + chunk.blocks; column++, w += ROWS) {
          FloatVector weights = FloatVector.fromArray(FLOATS, chunk.scales, w);
          y0 = weights.fma(FloatVector.broadcast(FLOATS, x[column]), y0);
          y1 = weights.fma(FloatVector.broadcast(FLOATS, x[column + xStride]), y1);
          y2 = weights.fma(FloatVector.broadcast(FLOATS, x[column + 2 * xStride]), y2);
          y3 = weights.fma(FloatVector.broadcast(FLOATS, x[column + 3 * xStride]), y3);
        }
        y0.intoArray(y, rows);
        y1.intoArray(y, rows + yStride);
        y2.intoArray(y, rows + 2 * yStride);
        y3.intoArray(y, rows + 3 * yStride);
      }
    }
  }
}
