package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
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
 * Weights of 8 bits times quantized activations. The sum of two products is at most 2 x 128 x 127 =
 * 32,512; it is widened to 32 bits.
 *
 * <p>Results are added to {@code y[yAt + row]} (and {@code yStride} further for each token). Bodies
 * call nothing but the Vector API: in methods of this size HotSpot inlines no other call, and would
 * allocate each vector that is passed.
 */
final class EightBitKernel {
  private static final int ROWS = RowGroups.ROWS;

  private EightBitKernel() {}

  /** One token, whose factors start at {@code at} and whose steps start at {@code block}. */
  static void one(Chunk chunk, int[] x, int at, float[] steps, int block, float[] y, int yAt) {
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
            int i = at + run * 16;
            IntVector a0 = IntVector.zero(INTS);
            for (int w = 0; w < 8; w++, word += WORD_BYTES, i += 2) {
              ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              ShortVector low = q.lanewise(LSHL, 8).lanewise(ASHR, 8);
              ShortVector high = q.lanewise(ASHR, 8);
              IntVector product =
                  low.mul(IntVector.broadcast(INTS, x[i]).reinterpretAsShorts())
                      .add(high.mul(IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts()))
                      .reinterpretAsInts();
              a0 = a0.add(product.lanewise(LSHL, 16).lanewise(ASHR, 16));
              a0 = a0.add(product.lanewise(ASHR, 16));
            }
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            scale += ROWS;
            int j = block + run;
            y0 = ((FloatVector) a0.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j]), y0);
            run++;
          }
        }
        y0.intoArray(y, rows);
      }
    }
  }

  /** {@value Activations#TOKENS} tokens, whose factors and steps are interleaved. */
  static void four(
      Chunk chunk, int[] x, int at, float[] steps, int block, float[] y, int yAt, int yStride) {
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
            int i = at + run * 64;
            IntVector a0 = IntVector.zero(INTS);
            IntVector a1 = IntVector.zero(INTS);
            IntVector a2 = IntVector.zero(INTS);
            IntVector a3 = IntVector.zero(INTS);
            for (int w = 0; w < 8; w++, word += WORD_BYTES, i += 8) {
              ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              ShortVector low = q.lanewise(LSHL, 8).lanewise(ASHR, 8);
              ShortVector high = q.lanewise(ASHR, 8);
              IntVector product =
                  low.mul(IntVector.broadcast(INTS, x[i]).reinterpretAsShorts())
                      .add(high.mul(IntVector.broadcast(INTS, x[i + 4]).reinterpretAsShorts()))
                      .reinterpretAsInts();
              a0 = a0.add(product.lanewise(LSHL, 16).lanewise(ASHR, 16));
              a0 = a0.add(product.lanewise(ASHR, 16));
              product =
                  low.mul(IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts())
                      .add(high.mul(IntVector.broadcast(INTS, x[i + 5]).reinterpretAsShorts()))
                      .reinterpretAsInts();
              a1 = a1.add(product.lanewise(LSHL, 16).lanewise(ASHR, 16));
              a1 = a1.add(product.lanewise(ASHR, 16));
              product =
                  low.mul(IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts())
                      .add(high.mul(IntVector.broadcast(INTS, x[i + 6]).reinterpretAsShorts()))
                      .reinterpretAsInts();
              a2 = a2.add(product.lanewise(LSHL, 16).lanewise(ASHR, 16));
              a2 = a2.add(product.lanewise(ASHR, 16));
              product =
                  low.mul(IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts())
                      .add(high.mul(IntVector.broadcast(INTS, x[i + 7]).reinterpretAsShorts()))
                      .reinterpretAsInts();
              a3 = a3.add(product.lanewise(LSHL, 16).lanewise(ASHR, 16));
              a3 = a3.add(product.lanewise(ASHR, 16));
            }
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            scale += ROWS;
            int j = block + run * 4;
            y0 = ((FloatVector) a0.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j]), y0);
            y1 = ((FloatVector) a1.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 1]), y1);
            y2 = ((FloatVector) a2.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 2]), y2);
            y3 = ((FloatVector) a3.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 3]), y3);
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
