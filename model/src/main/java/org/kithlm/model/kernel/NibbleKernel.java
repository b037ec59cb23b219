package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.NativeWords.INTS;
import static org.kithlm.model.kernel.NativeWords.MEMORY;
import static org.kithlm.model.kernel.NativeWords.SHORTS;
import static org.kithlm.model.kernel.NativeWords.WORD_BYTES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.kithlm.model.weight.RowGroups;

/**
 * Weights of 4 bits, from -8 to 7, times quantized activations. The sum of a block is at most 16 x
 * 8 x 255 = 32,640 in each half of a word.
 *
 * <p>Results are added to {@code y[yAt + row]} (and {@code yStride} further for each token). Bodies
 * call nothing but the Vector API: in methods of this size HotSpot inlines no other call, and would
 * allocate each vector that is passed.
 */
final class NibbleKernel {
  private static final int ROWS = RowGroups.ROWS;

  private NibbleKernel() {}

  /**
   * One token, whose factors start at {@code at} and whose steps and sums start at {@code block}.
   */
  static void one(
      Chunk chunk, int[] x, int at, float[] steps, float[] sums, int block, float[] y, int yAt) {
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int run = 0;
        int scale = group * chunk.blocks * chunk.subBlocks * ROWS + lane;
        int rows = yAt + ROWS * group + lane;
        long words =
            chunk.address
                + (long) group * chunk.blocks * chunk.blockBytes
                + chunk.payloadOffset
                + 4L * lane;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long word = words;
          for (int s = 0; s < chunk.subBlocks; s++) {
            int i = at + run * 17;
            ShortVector a0 = IntVector.broadcast(INTS, x[i + 16]).reinterpretAsShorts();
            for (int w = 0; w < 4; w++, word += WORD_BYTES, i += 4) {
              ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i]).reinterpretAsShorts()));
              q = q.lanewise(LSHR, 4);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts()));
              q = q.lanewise(LSHR, 4);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts()));
              q = q.lanewise(LSHR, 4);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts()));
            }
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            FloatVector m = FloatVector.fromArray(FLOATS, chunk.minima, scale);
            scale += ROWS;
            int j = block + run;
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j]), y0);
            y0 = m.fma(FloatVector.broadcast(FLOATS, sums[j]), y0);
            run++;
          }
        }
        y0.intoArray(y, rows);
      }
    }
  }

  /** {@value Activations#TOKENS} tokens, whose factors and steps are interleaved. */
  static void four(
      Chunk chunk,
      int[] x,
      int at,
      float[] steps,
      float[] sums,
      int block,
      float[] y,
      int yAt,
      int yStride) {
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int run = 0;
        int scale = group * chunk.blocks * chunk.subBlocks * ROWS + lane;
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
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long word = words;
          for (int s = 0; s < chunk.subBlocks; s++) {
            int i = at + run * 68;
            ShortVector a0 = IntVector.broadcast(INTS, x[i + 64]).reinterpretAsShorts();
            ShortVector a1 = IntVector.broadcast(INTS, x[i + 65]).reinterpretAsShorts();
            ShortVector a2 = IntVector.broadcast(INTS, x[i + 66]).reinterpretAsShorts();
            ShortVector a3 = IntVector.broadcast(INTS, x[i + 67]).reinterpretAsShorts();
            for (int w = 0; w < 4; w++, word += WORD_BYTES, i += 16) {
              ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i]).reinterpretAsShorts()));
              a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts()));
              a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts()));
              a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts()));
              q = q.lanewise(LSHR, 4);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 4]).reinterpretAsShorts()));
              a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 5]).reinterpretAsShorts()));
              a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 6]).reinterpretAsShorts()));
              a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 7]).reinterpretAsShorts()));
              q = q.lanewise(LSHR, 4);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 8]).reinterpretAsShorts()));
              a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 9]).reinterpretAsShorts()));
              a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 10]).reinterpretAsShorts()));
              a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 11]).reinterpretAsShorts()));
              q = q.lanewise(LSHR, 4);
              a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 12]).reinterpretAsShorts()));
              a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 13]).reinterpretAsShorts()));
              a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 14]).reinterpretAsShorts()));
              a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 15]).reinterpretAsShorts()));
            }
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            FloatVector m = FloatVector.fromArray(FLOATS, chunk.minima, scale);
            scale += ROWS;
            int j = block + run * 4;
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j]), y0);
            y0 = m.fma(FloatVector.broadcast(FLOATS, sums[j]), y0);
            sum = a1.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 1]), y1);
            y1 = m.fma(FloatVector.broadcast(FLOATS, sums[j + 1]), y1);
            sum = a2.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y2 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 2]), y2);
            y2 = m.fma(FloatVector.broadcast(FLOATS, sums[j + 2]), y2);
            sum = a3.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y3 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 3]), y3);
            y3 = m.fma(FloatVector.broadcast(FLOATS, sums[j + 3]), y3);
            run++;
          }
        }
        y0.intoArray(y, rows);
        y1.intoArray(y, rows + yStride);
        y2.intoArray(y, rows + 2 * yStride);
        y3.intoArray(y, rows + 3 * yStride);
      }
    }
  }
}
