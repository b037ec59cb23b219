package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.Lanes.TWO;
import static org.kithlm.model.kernel.NativeWords.INTS;
import static org.kithlm.model.kernel.NativeWords.MEMORY;
import static org.kithlm.model.kernel.NativeWords.SHORTS;
import static org.kithlm.model.kernel.NativeWords.WORD_BYTES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.kithlm.model.weight.RowGroups;

/**
 * Weights of 6 bits, from -32 to 31, times quantized activations. The sum of 16 columns, which
 * share a scale, is at most 8 x 32 x 127 = 32,512 in each half of a word.
 *
 * <p>Results are added to {@code y[yAt + row]} (and {@code yStride} further for each token). Loops
 * over words and blocks are not counted, as C2 would split short counted loops in three. Bodies
 * call nothing but the Vector API: in methods of this size HotSpot inlines no other call, and would
 * allocate each vector that is passed.
 *
 * <p>Where a vector holds fewer rows than a group, two of them meet each factor that is loaded.
 */
final class SixBitKernel {
  private static final int ROWS = RowGroups.ROWS;

  /** Rows of a pass. */
  private static final int LANES = TWO ? 2 * COUNT : COUNT;

  /** Bytes from the words of one vector to those of the next. */
  private static final int PART_BYTES = Integer.BYTES * COUNT;

  private static final int TOKENS = Activations.TOKENS;

  private SixBitKernel() {}

  /** One token, whose factors start at {@code at} and whose steps start at {@code block}. */
  static void one(Chunk chunk, int[] x, int at, float[] steps, int block, float[] y, int yAt) {
    long groupBytes = (long) chunk.blocks * chunk.blockBytes;
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += LANES) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        int run = 0;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = TWO ? FloatVector.fromArray(FLOATS, y, rows + COUNT) : y0;
        int scale = group * chunk.blocks * chunk.subBlocks * 2 * ROWS + lane;
        long words = chunk.address + group * groupBytes + chunk.payloadOffset + 4L * lane;
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long end = words + 6L * WORD_BYTES * chunk.subBlocks;
          for (long word = words; word != end; word += 3 * WORD_BYTES, run++, scale += ROWS) {
            ShortVector a0 = IntVector.broadcast(INTS, x[i + 10]).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector f0 = IntVector.broadcast(INTS, x[i]).reinterpretAsShorts();
            ShortVector f1 = IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts();
            ShortVector f2 = IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts();
            ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(f0));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(f1));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(f2));
            if (TWO) {
              q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + PART_BYTES, LITTLE_ENDIAN);
              a1 = a1.add(q.mul(f0));
              q = q.lanewise(LSHR, 6);
              a1 = a1.add(q.mul(f1));
              q = q.lanewise(LSHR, 6);
              a1 = a1.add(q.mul(f2));
            }
            f0 = IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts();
            f1 = IntVector.broadcast(INTS, x[i + 4]).reinterpretAsShorts();
            f2 = IntVector.broadcast(INTS, x[i + 5]).reinterpretAsShorts();
            q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + WORD_BYTES, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(f0));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(f1));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(f2));
            if (TWO) {
              q =
                  ShortVector.fromMemorySegment(
                      SHORTS, MEMORY, word + WORD_BYTES + PART_BYTES, LITTLE_ENDIAN);
              a1 = a1.add(q.mul(f0));
              q = q.lanewise(LSHR, 6);
              a1 = a1.add(q.mul(f1));
              q = q.lanewise(LSHR, 6);
              a1 = a1.add(q.mul(f2));
            }
            f0 = IntVector.broadcast(INTS, x[i + 6]).reinterpretAsShorts();
            f1 = IntVector.broadcast(INTS, x[i + 7]).reinterpretAsShorts();
            f2 = IntVector.broadcast(INTS, x[i + 8]).reinterpretAsShorts();
            ShortVector f3 = IntVector.broadcast(INTS, x[i + 9]).reinterpretAsShorts();
            q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + 2 * WORD_BYTES, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(f0));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(f1));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(f2));
            q = q.lanewise(LSHR, 2);
            a0 = a0.add(q.mul(f3));
            if (TWO) {
              q =
                  ShortVector.fromMemorySegment(
                      SHORTS, MEMORY, word + 2 * WORD_BYTES + PART_BYTES, LITTLE_ENDIAN);
              a1 = a1.add(q.mul(f0));
              q = q.lanewise(LSHR, 6);
              a1 = a1.add(q.mul(f1));
              q = q.lanewise(LSHR, 6);
              a1 = a1.add(q.mul(f2));
              q = q.lanewise(LSHR, 2);
              a1 = a1.add(q.mul(f3));
            }
            float step = steps[block + run / 2];
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y0);
            if (TWO) {
              d = FloatVector.fromArray(FLOATS, chunk.scales, scale + COUNT);
              sum = a1.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y1);
            }
            i += 11;
          }
        }
        y0.intoArray(y, rows);
        if (TWO) {
          y1.intoArray(y, rows + COUNT);
        }
      }
    }
  }

  /** {@value Activations#TOKENS} tokens, whose factors and steps are interleaved. */
  static void four(
      Chunk chunk, int[] x, int at, float[] steps, int block, float[] y, int yAt, int yStride) {
    long groupBytes = (long) chunk.blocks * chunk.blockBytes;
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        int run = 0;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = FloatVector.fromArray(FLOATS, y, rows + yStride);
        FloatVector y2 = FloatVector.fromArray(FLOATS, y, rows + 2 * yStride);
        FloatVector y3 = FloatVector.fromArray(FLOATS, y, rows + 3 * yStride);
        int scale = group * chunk.blocks * chunk.subBlocks * 2 * ROWS + lane;
        long words = chunk.address + group * groupBytes + chunk.payloadOffset + 4L * lane;
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long end = words + 6L * WORD_BYTES * chunk.subBlocks;
          for (long word = words; word != end; word += 3 * WORD_BYTES) {
            int j = block + run / 2 * TOKENS;
            ShortVector a0 = IntVector.broadcast(INTS, x[i + 40]).reinterpretAsShorts();
            ShortVector a1 = IntVector.broadcast(INTS, x[i + 41]).reinterpretAsShorts();
            ShortVector a2 = IntVector.broadcast(INTS, x[i + 42]).reinterpretAsShorts();
            ShortVector a3 = IntVector.broadcast(INTS, x[i + 43]).reinterpretAsShorts();
            ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 4]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 5]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 6]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 7]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 8]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 9]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 10]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 11]).reinterpretAsShorts()));
            q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + WORD_BYTES, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 12]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 13]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 14]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 15]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 16]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 17]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 18]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 19]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 20]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 21]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 22]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 23]).reinterpretAsShorts()));
            q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + 2 * WORD_BYTES, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 24]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 25]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 26]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 27]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 28]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 29]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 30]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 31]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 6);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 32]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 33]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 34]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 35]).reinterpretAsShorts()));
            q = q.lanewise(LSHR, 2);
            a0 = a0.add(q.mul(IntVector.broadcast(INTS, x[i + 36]).reinterpretAsShorts()));
            a1 = a1.add(q.mul(IntVector.broadcast(INTS, x[i + 37]).reinterpretAsShorts()));
            a2 = a2.add(q.mul(IntVector.broadcast(INTS, x[i + 38]).reinterpretAsShorts()));
            a3 = a3.add(q.mul(IntVector.broadcast(INTS, x[i + 39]).reinterpretAsShorts()));
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j]), y0);
            sum = a1.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 1]), y1);
            sum = a2.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y2 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 2]), y2);
            sum = a3.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y3 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(steps[j + 3]), y3);
            scale += ROWS;
            i += 44;
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
