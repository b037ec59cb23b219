package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.Lanes.PAIRS;
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
 * <p>For one token, two vectors of a group meet each factor that is loaded, where it has two. For
 * several tokens it is two groups, where a vector holds a whole one: only such machines have the
 * registers. One token does not take two groups, as memory is fast only where it is read in order.
 * (An odd group meets the factors twice.)
 */
final class SixBitKernel {
  private static final int ROWS = RowGroups.ROWS;

  /** Rows that a kernel for one token takes of a group at a time. */
  private static final int LANES = TWO ? 2 * COUNT : COUNT;

  /** Bytes from the words of one vector to those of the next. */
  private static final int PART_BYTES = Integer.BYTES * COUNT;

  private static final int TOKENS = Activations.TOKENS;

  /** Row groups that a kernel for several tokens takes at a time. */
  private static final int GROUPS = PAIRS ? 2 : 1;

  private SixBitKernel() {}

  /** One token, whose factors start at {@code at} and whose steps start at {@code block}. */
  static void one(Chunk chunk, int[] x, int at, float[] steps, int block, float[] y, int yAt) {
    long groupBytes = chunk.groupBytes;
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
    for (int group = 0; group < chunk.groups; group += GROUPS) {
      boolean pair = PAIRS && group + 1 < chunk.groups;
      int rowPart = pair ? ROWS : 0;
      long wordPart = pair ? chunk.groupBytes : 0;
      int scalePart = pair ? chunk.blocks * chunk.subBlocks * 2 * ROWS : 0;
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        int run = 0;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector z0 = PAIRS ? FloatVector.fromArray(FLOATS, y, rows + rowPart) : y0;
        FloatVector y1 = FloatVector.fromArray(FLOATS, y, rows + yStride);
        FloatVector z1 = PAIRS ? FloatVector.fromArray(FLOATS, y, rows + rowPart + yStride) : y1;
        FloatVector y2 = FloatVector.fromArray(FLOATS, y, rows + 2 * yStride);
        FloatVector z2 =
            PAIRS ? FloatVector.fromArray(FLOATS, y, rows + rowPart + 2 * yStride) : y2;
        FloatVector y3 = FloatVector.fromArray(FLOATS, y, rows + 3 * yStride);
        FloatVector z3 =
            PAIRS ? FloatVector.fromArray(FLOATS, y, rows + rowPart + 3 * yStride) : y3;
        int scale = group * chunk.blocks * chunk.subBlocks * 2 * ROWS + lane;
        long words = chunk.address + group * chunk.groupBytes + chunk.payloadOffset + 4L * lane;
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long end = words + 6L * WORD_BYTES * chunk.subBlocks;
          for (long word = words; word != end; ) {
            int j = block + run / 2 * TOKENS;
            ShortVector a0 = IntVector.broadcast(INTS, x[i + 40]).reinterpretAsShorts();
            ShortVector a1 = IntVector.broadcast(INTS, x[i + 41]).reinterpretAsShorts();
            ShortVector a2 = IntVector.broadcast(INTS, x[i + 42]).reinterpretAsShorts();
            ShortVector a3 = IntVector.broadcast(INTS, x[i + 43]).reinterpretAsShorts();
            ShortVector b0 = a0;
            ShortVector b1 = a1;
            ShortVector b2 = a2;
            ShortVector b3 = a3;
            ShortVector q = a0;
            ShortVector r = a0;
            ShortVector f;
            for (long wordEnd = word + 3 * WORD_BYTES; word != wordEnd; word += WORD_BYTES) {
              q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              r =
                  PAIRS
                      ? ShortVector.fromMemorySegment(
                          SHORTS, MEMORY, word + wordPart, LITTLE_ENDIAN)
                      : q;
              f = IntVector.broadcast(INTS, x[i]).reinterpretAsShorts();
              a0 = a0.add(q.mul(f));
              if (PAIRS) {
                b0 = b0.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts();
              a1 = a1.add(q.mul(f));
              if (PAIRS) {
                b1 = b1.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts();
              a2 = a2.add(q.mul(f));
              if (PAIRS) {
                b2 = b2.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts();
              a3 = a3.add(q.mul(f));
              if (PAIRS) {
                b3 = b3.add(r.mul(f));
              }
              q = q.lanewise(LSHR, 6);
              r = PAIRS ? r.lanewise(LSHR, 6) : r;
              f = IntVector.broadcast(INTS, x[i + 4]).reinterpretAsShorts();
              a0 = a0.add(q.mul(f));
              if (PAIRS) {
                b0 = b0.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 5]).reinterpretAsShorts();
              a1 = a1.add(q.mul(f));
              if (PAIRS) {
                b1 = b1.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 6]).reinterpretAsShorts();
              a2 = a2.add(q.mul(f));
              if (PAIRS) {
                b2 = b2.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 7]).reinterpretAsShorts();
              a3 = a3.add(q.mul(f));
              if (PAIRS) {
                b3 = b3.add(r.mul(f));
              }
              q = q.lanewise(LSHR, 6);
              r = PAIRS ? r.lanewise(LSHR, 6) : r;
              f = IntVector.broadcast(INTS, x[i + 8]).reinterpretAsShorts();
              a0 = a0.add(q.mul(f));
              if (PAIRS) {
                b0 = b0.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 9]).reinterpretAsShorts();
              a1 = a1.add(q.mul(f));
              if (PAIRS) {
                b1 = b1.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 10]).reinterpretAsShorts();
              a2 = a2.add(q.mul(f));
              if (PAIRS) {
                b2 = b2.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 11]).reinterpretAsShorts();
              a3 = a3.add(q.mul(f));
              if (PAIRS) {
                b3 = b3.add(r.mul(f));
              }
              i += 12;
            }
            q = q.lanewise(LSHR, 2);
            r = PAIRS ? r.lanewise(LSHR, 2) : r;
            f = IntVector.broadcast(INTS, x[i]).reinterpretAsShorts();
            a0 = a0.add(q.mul(f));
            if (PAIRS) {
              b0 = b0.add(r.mul(f));
            }
            f = IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts();
            a1 = a1.add(q.mul(f));
            if (PAIRS) {
              b1 = b1.add(r.mul(f));
            }
            f = IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts();
            a2 = a2.add(q.mul(f));
            if (PAIRS) {
              b2 = b2.add(r.mul(f));
            }
            f = IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts();
            a3 = a3.add(q.mul(f));
            if (PAIRS) {
              b3 = b3.add(r.mul(f));
            }
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            FloatVector e =
                PAIRS ? FloatVector.fromArray(FLOATS, chunk.scales, scale + scalePart) : d;
            float step = steps[j];
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y0);
            if (PAIRS) {
              sum = b0.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z0);
            }
            step = steps[j + 1];
            sum = a1.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y1);
            if (PAIRS) {
              sum = b1.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z1);
            }
            step = steps[j + 2];
            sum = a2.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y2 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y2);
            if (PAIRS) {
              sum = b2.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z2 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z2);
            }
            step = steps[j + 3];
            sum = a3.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y3 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y3);
            if (PAIRS) {
              sum = b3.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z3 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z3);
            }
            scale += ROWS;
            i += 8;
            run++;
          }
        }
        y0.intoArray(y, rows);
        if (PAIRS) {
          z0.intoArray(y, rows + rowPart);
        }
        y1.intoArray(y, rows + yStride);
        if (PAIRS) {
          z1.intoArray(y, rows + rowPart + yStride);
        }
        y2.intoArray(y, rows + 2 * yStride);
        if (PAIRS) {
          z2.intoArray(y, rows + rowPart + 2 * yStride);
        }
        y3.intoArray(y, rows + 3 * yStride);
        if (PAIRS) {
          z3.intoArray(y, rows + rowPart + 3 * yStride);
        }
      }
    }
  }
}
