package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.S2I;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.NativeWords.FIELDS;
import static org.kithlm.model.kernel.NativeWords.HALF_BITS;
import static org.kithlm.model.kernel.NativeWords.HALF_TO_FLOAT;
import static org.kithlm.model.kernel.NativeWords.INTS;
import static org.kithlm.model.kernel.NativeWords.MEMORY;
import static org.kithlm.model.kernel.NativeWords.WORD_BYTES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.kithlm.model.weight.RowGroups;

/**
 * Weights of 8 bits times activations as they are: products of two 8-bit numbers fill 16 bits, so
 * that integers would have to be widened one by one and gain nothing over floats.
 *
 * <p>Results are added to {@code y[yAt + row]} (and {@code yStride} further for each token). Loops
 * over blocks and words are not counted, as C2 would split short counted loops in three. Bodies
 * call nothing but the Vector API: in methods of this size HotSpot inlines no other call, and would
 * allocate each vector that is passed.
 */
final class EightBitKernel {
  private static final int ROWS = RowGroups.ROWS;

  private EightBitKernel() {}

  /** One token, whose inputs start at {@code at}; scales are read as the blocks come. */
  static void one(Chunk chunk, float[] x, int at, float[] y, int yAt) {
    long groupBytes = (long) chunk.blocks * chunk.blockBytes;
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        long fields = chunk.address + group * groupBytes + 2L * lane;
        long payload = chunk.payloadOffset + 2L * lane;
        for (long end = fields + groupBytes; fields != end; fields += chunk.blockBytes) {
          long word = fields + payload;
          FloatVector a0 = FloatVector.zero(FLOATS);
          for (long wordEnd = word + 8 * WORD_BYTES; word != wordEnd; word += WORD_BYTES) {
            IntVector q = IntVector.fromMemorySegment(INTS, MEMORY, word, LITTLE_ENDIAN);
            FloatVector w =
                (FloatVector) q.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i]), a0);
            w = (FloatVector) q.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i + 1]), a0);
            w = (FloatVector) q.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i + 2]), a0);
            w = (FloatVector) q.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i + 3]), a0);
            i += 4;
          }
          IntVector half =
              (IntVector)
                  ShortVector.fromMemorySegment(FIELDS, MEMORY, fields, LITTLE_ENDIAN)
                      .convertShape(S2I, INTS, 0);
          FloatVector d =
              half.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_TO_FLOAT);
          y0 = a0.fma(d, y0);
        }
        y0.intoArray(y, rows);
      }
    }
  }

  /** {@value Activations#TOKENS} tokens, {@code xStride} apart. */
  static void four(Chunk chunk, float[] x, int at, int xStride, float[] y, int yAt, int yStride) {
    long groupBytes = (long) chunk.blocks * chunk.blockBytes;
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = FloatVector.fromArray(FLOATS, y, rows + yStride);
        FloatVector y2 = FloatVector.fromArray(FLOATS, y, rows + 2 * yStride);
        FloatVector y3 = FloatVector.fromArray(FLOATS, y, rows + 3 * yStride);
        long fields = chunk.address + group * groupBytes + 2L * lane;
        long payload = chunk.payloadOffset + 2L * lane;
        for (long end = fields + groupBytes; fields != end; fields += chunk.blockBytes) {
          long word = fields + payload;
          FloatVector a0 = FloatVector.zero(FLOATS);
          FloatVector a1 = FloatVector.zero(FLOATS);
          FloatVector a2 = FloatVector.zero(FLOATS);
          FloatVector a3 = FloatVector.zero(FLOATS);
          for (long wordEnd = word + 8 * WORD_BYTES; word != wordEnd; word += WORD_BYTES) {
            IntVector q = IntVector.fromMemorySegment(INTS, MEMORY, word, LITTLE_ENDIAN);
            FloatVector w =
                (FloatVector) q.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i]), a0);
            a1 = w.fma(FloatVector.broadcast(FLOATS, x[i + xStride]), a1);
            a2 = w.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride]), a2);
            a3 = w.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride]), a3);
            w = (FloatVector) q.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i + 1]), a0);
            a1 = w.fma(FloatVector.broadcast(FLOATS, x[i + xStride + 1]), a1);
            a2 = w.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride + 1]), a2);
            a3 = w.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride + 1]), a3);
            w = (FloatVector) q.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i + 2]), a0);
            a1 = w.fma(FloatVector.broadcast(FLOATS, x[i + xStride + 2]), a1);
            a2 = w.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride + 2]), a2);
            a3 = w.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride + 2]), a3);
            w = (FloatVector) q.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0);
            a0 = w.fma(FloatVector.broadcast(FLOATS, x[i + 3]), a0);
            a1 = w.fma(FloatVector.broadcast(FLOATS, x[i + xStride + 3]), a1);
            a2 = w.fma(FloatVector.broadcast(FLOATS, x[i + 2 * xStride + 3]), a2);
            a3 = w.fma(FloatVector.broadcast(FLOATS, x[i + 3 * xStride + 3]), a3);
            i += 4;
          }
          IntVector half =
              (IntVector)
                  ShortVector.fromMemorySegment(FIELDS, MEMORY, fields, LITTLE_ENDIAN)
                      .convertShape(S2I, INTS, 0);
          FloatVector d =
              half.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_TO_FLOAT);
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
