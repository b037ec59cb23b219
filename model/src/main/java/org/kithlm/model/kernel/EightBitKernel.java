package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.NativeWords.INTS;
import static org.kithlm.model.kernel.NativeWords.MEMORY;
import static org.kithlm.model.kernel.NativeWords.WORD_BYTES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.kithlm.model.weight.RowGroups;

/**
 * Weights of 8 bits times activations as they are: products of two 8-bit numbers fill 16 bits, so
 * that integers would have to be widened one by one and gain nothing over floats.
 *
 * <p>Results are added to {@code y[yAt + row]} (and {@code yStride} further for each token). Bodies
 * call nothing but the Vector API: in methods of this size HotSpot inlines no other call, and would
 * allocate each vector that is passed.
 */
final class EightBitKernel {
  private static final int ROWS = RowGroups.ROWS;

  private EightBitKernel() {}

  /** One token, whose inputs start at {@code at}. */
  static void one(Chunk chunk, float[] x, int at, float[] y, int yAt) {
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int i = at;
        int scale = group * chunk.blocks * ROWS + lane;
        int rows = yAt + ROWS * group + lane;
        long words =
            chunk.address
                + (long) group * chunk.blocks * chunk.blockBytes
                + chunk.payloadOffset
                + 4L * lane;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes, scale += ROWS) {
          long word = words;
          FloatVector a0 = FloatVector.zero(FLOATS);
          for (int w = 0; w < 8; w++, word += WORD_BYTES, i += 4) {
            IntVector q = IntVector.fromMemorySegment(INTS, MEMORY, word, LITTLE_ENDIAN);
            FloatVector w0 =
                (FloatVector) q.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            FloatVector w1 =
                (FloatVector) q.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            FloatVector w2 =
                (FloatVector) q.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            FloatVector w3 = (FloatVector) q.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w0.fma(FloatVector.broadcast(FLOATS, x[i]), a0);
            a0 = w1.fma(FloatVector.broadcast(FLOATS, x[i + 1]), a0);
            a0 = w2.fma(FloatVector.broadcast(FLOATS, x[i + 2]), a0);
            a0 = w3.fma(FloatVector.broadcast(FLOATS, x[i + 3]), a0);
          }
          FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
          y0 = a0.fma(d, y0);
        }
        y0.intoArray(y, rows);
      }
    }
  }

  /** {@value Activations#TOKENS} tokens, {@code xStride} apart. */
  static void four(Chunk chunk, float[] x, int at, int xStride, float[] y, int yAt, int yStride) {
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int i = at;
        int scale = group * chunk.blocks * ROWS + lane;
        int rows = yAt + ROWS * group + lane;
        long words =
            chunk.address
                + (long) group * chunk.blocks * chunk.blockBytes
                + chunk.payloadOffset
                + 4L * lane;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = FloatVector.fromArray(FLOATS, y, rows + yStride);
        FloatVector y2 = FloatVector.fromArray(FLOATS, y, rows + 2 * yStride);
        FloatVector y3 = FloatVector.fromArray(FLOATS, y, rows + 3 * yStride);
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes, scale += ROWS) {
          long word = words;
          FloatVector a0 = FloatVector.zero(FLOATS);
          FloatVector a1 = FloatVector.zero(FLOATS);
          FloatVector a2 = FloatVector.zero(FLOATS);
          FloatVector a3 = FloatVector.zero(FLOATS);
          for (int w = 0; w < 8; w++, word += WORD_BYTES, i += 4) {
            IntVector q = IntVector.fromMemorySegment(INTS, MEMORY, word, LITTLE_ENDIAN);
            FloatVector w0 =
                (FloatVector) q.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            FloatVector w1 =
                (FloatVector) q.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            FloatVector w2 =
                (FloatVector) q.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            FloatVector w3 = (FloatVector) q.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w0.fma(FloatVector.broadcast(FLOATS, x[i]), a0);
            a0 = w1.fma(FloatVector.broadcast(FLOATS, x[i + 1]), a0);
            a0 = w2.fma(FloatVector.broadcast(FLOATS, x[i + 2]), a0);
            a0 = w3.fma(FloatVector.broadcast(FLOATS, x[i + 3]), a0);
            a1 = w0.fma(FloatVector.broadcast(FLOATS, x[i + xStride]), a1);
            a1 = w1.fma(FloatVector.broadcast(FLOATS, x[i + xStride + 1]), a1);
            a1 = w2.fma(FloatVector.broadcast(FLOATS, x[i + xStride + 2]), a1);
            a1 = w3.fma(FloatVector.broadcast(FLOATS, x[i + xStride + 3]), a1);
            a2 = w0.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride]), a2);
            a2 = w1.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride + 1]), a2);
            a2 = w2.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride + 2]), a2);
            a2 = w3.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride + 3]), a2);
            a3 = w0.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride]), a3);
            a3 = w1.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride + 1]), a3);
            a3 = w2.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride + 2]), a3);
            a3 = w3.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride + 3]), a3);
          }
          FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
          y0 = a0.fma(d, y0);
          y1 = a1.fma(d, y1);
          y2 = a2.fma(d, y2);
          y3 = a3.fma(d, y3);
        }
        y0.intoArray(y, rows);
        y1.intoArray(y, rows + yStride);
        y2.intoArray(y, rows + 2 * yStride);
        y3.intoArray(y, rows + 3 * yStride);
      }
    }
  }
}
