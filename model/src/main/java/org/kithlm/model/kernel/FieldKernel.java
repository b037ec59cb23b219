package org.kithlm.model.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.Lanes.PAIRS;
import static org.kithlm.model.kernel.Lanes.TWO;
import static org.kithlm.model.kernel.NativeWords.FIELDS;
import static org.kithlm.model.kernel.NativeWords.HALF_BITS;
import static org.kithlm.model.kernel.NativeWords.HALF_TO_FLOAT;
import static org.kithlm.model.kernel.NativeWords.INTS;
import static org.kithlm.model.kernel.NativeWords.MEMORY;
import static org.kithlm.model.kernel.NativeWords.SHORTS;
import static org.kithlm.model.kernel.NativeWords.WORD_BYTES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.kithlm.model.weight.RowGroups;

/**
 * Weights of 4 or 5 bits times quantized activations. A block is as many words as a weight has
 * bits, and each half of a word has four fields, of which with 5 bits the last is one bit of
 * another weight. The sum of a block is in each half at most 16 x 15 x 127 = 30,480 with 4 bits, 16
 * x 8 x 255 = 32,640 with weights from -8 to 7, and 16 x 16 x 127 = 32,512 with those from -16 to
 * 15.
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
final class FieldKernel {
  private static final int ROWS = RowGroups.ROWS;

  /** Rows that a kernel for one token takes of a group at a time. */
  private static final int LANES = TWO ? 2 * COUNT : COUNT;

  /** Bytes from the words of one vector to those of the next. */
  private static final int PART_BYTES = Integer.BYTES * COUNT;

  /** Bytes from the f16 fields of one vector to those of the next. */
  private static final int HALVES_BYTES = Short.BYTES * COUNT;

  /** Row groups that a kernel for several tokens takes at a time. */
  private static final int GROUPS = PAIRS ? 2 : 1;

  private FieldKernel() {}

  /**
   * One token, whose factors start at {@code at} and whose steps and sums start at {@code block}.
   */
  static void one(
      int bits,
      Chunk chunk,
      int[] x,
      int at,
      float[] steps,
      float[] sums,
      int block,
      float[] y,
      int yAt) {
    long payloadBytes = (long) bits * WORD_BYTES;
    long groupBytes = chunk.groupBytes;
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += LANES) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        int j = block;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = TWO ? FloatVector.fromArray(FLOATS, y, rows + COUNT) : y0;
        int scale = group * chunk.blocks * chunk.subBlocks * ROWS + lane;
        long words = chunk.address + group * groupBytes + chunk.payloadOffset + 4L * lane;
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long blockEnd = words + payloadBytes * chunk.subBlocks;
          for (long word = words; word != blockEnd; i++, j++, scale += ROWS) {
            ShortVector a0 = IntVector.broadcast(INTS, x[i + 4 * bits]).reinterpretAsShorts();
            ShortVector a1 = a0;
            for (long end = word + payloadBytes; word != end; word += WORD_BYTES, i += 4) {
              ShortVector f0 = IntVector.broadcast(INTS, x[i]).reinterpretAsShorts();
              ShortVector f1 = IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts();
              ShortVector f2 = IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts();
              ShortVector f3 = IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts();
              ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              a0 = a0.add(q.mul(f0));
              q = q.lanewise(LSHR, bits);
              a0 = a0.add(q.mul(f1));
              q = q.lanewise(LSHR, bits);
              a0 = a0.add(q.mul(f2));
              q = q.lanewise(LSHR, bits);
              a0 = a0.add(q.mul(f3));
              if (TWO) {
                q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + PART_BYTES, LITTLE_ENDIAN);
                a1 = a1.add(q.mul(f0));
                q = q.lanewise(LSHR, bits);
                a1 = a1.add(q.mul(f1));
                q = q.lanewise(LSHR, bits);
                a1 = a1.add(q.mul(f2));
                q = q.lanewise(LSHR, bits);
                a1 = a1.add(q.mul(f3));
              }
            }
            float step = steps[j];
            FloatVector inputs = FloatVector.broadcast(FLOATS, sums[j]);
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            FloatVector m = FloatVector.fromArray(FLOATS, chunk.minima, scale);
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y0);
            y0 = m.fma(inputs, y0);
            if (TWO) {
              d = FloatVector.fromArray(FLOATS, chunk.scales, scale + COUNT);
              m = FloatVector.fromArray(FLOATS, chunk.minima, scale + COUNT);
              sum = a1.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y1);
              y1 = m.fma(inputs, y1);
            }
          }
        }
        y0.intoArray(y, rows);
        if (TWO) {
          y1.intoArray(y, rows + COUNT);
        }
      }
    }
  }

  /** {@link #one} for types whose blocks begin with f16 scales, read as the blocks come. */
  static void oneWithHalves(
      int bits,
      Chunk chunk,
      int[] x,
      int at,
      float[] steps,
      float[] sums,
      int block,
      float[] y,
      int yAt) {
    long payloadBytes = (long) bits * WORD_BYTES;
    long groupBytes = chunk.groupBytes;
    for (int group = 0; group < chunk.groups; group++) {
      for (int lane = 0; lane < ROWS; lane += LANES) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        int j = block;
        FloatVector y0 = FloatVector.fromArray(FLOATS, y, rows);
        FloatVector y1 = TWO ? FloatVector.fromArray(FLOATS, y, rows + COUNT) : y0;
        long fields = chunk.address + group * groupBytes + 2L * lane;
        long payload = chunk.payloadOffset + 2L * lane;
        long groupEnd = fields + (long) chunk.blocks * chunk.blockBytes;
        for (; fields != groupEnd; i++, j++, fields += chunk.blockBytes) {
          long word = fields + payload;
          ShortVector a0 = IntVector.broadcast(INTS, x[i + 4 * bits]).reinterpretAsShorts();
          ShortVector a1 = a0;
          for (long end = word + payloadBytes; word != end; word += WORD_BYTES, i += 4) {
            ShortVector f0 = IntVector.broadcast(INTS, x[i]).reinterpretAsShorts();
            ShortVector f1 = IntVector.broadcast(INTS, x[i + 1]).reinterpretAsShorts();
            ShortVector f2 = IntVector.broadcast(INTS, x[i + 2]).reinterpretAsShorts();
            ShortVector f3 = IntVector.broadcast(INTS, x[i + 3]).reinterpretAsShorts();
            ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
            a0 = a0.add(q.mul(f0));
            q = q.lanewise(LSHR, bits);
            a0 = a0.add(q.mul(f1));
            q = q.lanewise(LSHR, bits);
            a0 = a0.add(q.mul(f2));
            q = q.lanewise(LSHR, bits);
            a0 = a0.add(q.mul(f3));
            if (TWO) {
              q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word + PART_BYTES, LITTLE_ENDIAN);
              a1 = a1.add(q.mul(f0));
              q = q.lanewise(LSHR, bits);
              a1 = a1.add(q.mul(f1));
              q = q.lanewise(LSHR, bits);
              a1 = a1.add(q.mul(f2));
              q = q.lanewise(LSHR, bits);
              a1 = a1.add(q.mul(f3));
            }
          }
          float step = steps[j];
          FloatVector inputs = FloatVector.broadcast(FLOATS, sums[j]);
          IntVector half =
              (IntVector)
                  ShortVector.fromMemorySegment(FIELDS, MEMORY, fields, LITTLE_ENDIAN)
                      .convertShape(S2I, INTS, 0);
          FloatVector d =
              half.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_TO_FLOAT);
          half =
              (IntVector)
                  ShortVector.fromMemorySegment(
                          FIELDS, MEMORY, fields + chunk.minimaOffset, LITTLE_ENDIAN)
                      .convertShape(S2I, INTS, 0);
          FloatVector m =
              half.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_TO_FLOAT);
          m = d.mul(chunk.minimaScales).add(m.mul(chunk.minimaFactor));
          IntVector sum = a0.reinterpretAsInts();
          sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
          y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y0);
          y0 = m.fma(inputs, y0);
          if (TWO) {
            half =
                (IntVector)
                    ShortVector.fromMemorySegment(
                            FIELDS, MEMORY, fields + HALVES_BYTES, LITTLE_ENDIAN)
                        .convertShape(S2I, INTS, 0);
            d = half.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_TO_FLOAT);
            half =
                (IntVector)
                    ShortVector.fromMemorySegment(
                            FIELDS,
                            MEMORY,
                            fields + HALVES_BYTES + chunk.minimaOffset,
                            LITTLE_ENDIAN)
                        .convertShape(S2I, INTS, 0);
            m = half.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_TO_FLOAT);
            m = d.mul(chunk.minimaScales).add(m.mul(chunk.minimaFactor));
            sum = a1.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y1);
            y1 = m.fma(inputs, y1);
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
      int bits,
      Chunk chunk,
      int[] x,
      int at,
      float[] steps,
      float[] sums,
      int block,
      float[] y,
      int yAt,
      int yStride) {
    long payloadBytes = (long) bits * WORD_BYTES;
    for (int group = 0; group < chunk.groups; group += GROUPS) {
      boolean pair = PAIRS && group + 1 < chunk.groups;
      long wordPart = pair ? chunk.groupBytes : 0;
      int rowPart = pair ? ROWS : 0;
      int scalePart = pair ? chunk.blocks * chunk.subBlocks * ROWS : 0;
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        int rows = yAt + ROWS * group + lane;
        int i = at;
        int j = block;
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
        int scale = group * chunk.blocks * chunk.subBlocks * ROWS + lane;
        long words = chunk.address + group * chunk.groupBytes + chunk.payloadOffset + 4L * lane;
        for (int b = 0; b < chunk.blocks; b++, words += chunk.blockBytes) {
          long end = words + payloadBytes * chunk.subBlocks;
          for (long word = words; word != end; ) {
            int start = i + 16 * bits;
            ShortVector a0 = IntVector.broadcast(INTS, x[start]).reinterpretAsShorts();
            ShortVector b0 = a0;
            ShortVector a1 = IntVector.broadcast(INTS, x[start + 1]).reinterpretAsShorts();
            ShortVector b1 = a1;
            ShortVector a2 = IntVector.broadcast(INTS, x[start + 2]).reinterpretAsShorts();
            ShortVector b2 = a2;
            ShortVector a3 = IntVector.broadcast(INTS, x[start + 3]).reinterpretAsShorts();
            ShortVector b3 = a3;
            for (long wordEnd = word + payloadBytes; word != wordEnd; word += WORD_BYTES) {
              ShortVector q = ShortVector.fromMemorySegment(SHORTS, MEMORY, word, LITTLE_ENDIAN);
              ShortVector r =
                  PAIRS
                      ? ShortVector.fromMemorySegment(
                          SHORTS, MEMORY, word + wordPart, LITTLE_ENDIAN)
                      : q;
              ShortVector f = IntVector.broadcast(INTS, x[i]).reinterpretAsShorts();
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
              q = q.lanewise(LSHR, bits);
              r = PAIRS ? r.lanewise(LSHR, bits) : r;
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
              q = q.lanewise(LSHR, bits);
              r = PAIRS ? r.lanewise(LSHR, bits) : r;
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
              q = q.lanewise(LSHR, bits);
              r = PAIRS ? r.lanewise(LSHR, bits) : r;
              f = IntVector.broadcast(INTS, x[i + 12]).reinterpretAsShorts();
              a0 = a0.add(q.mul(f));
              if (PAIRS) {
                b0 = b0.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 13]).reinterpretAsShorts();
              a1 = a1.add(q.mul(f));
              if (PAIRS) {
                b1 = b1.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 14]).reinterpretAsShorts();
              a2 = a2.add(q.mul(f));
              if (PAIRS) {
                b2 = b2.add(r.mul(f));
              }
              f = IntVector.broadcast(INTS, x[i + 15]).reinterpretAsShorts();
              a3 = a3.add(q.mul(f));
              if (PAIRS) {
                b3 = b3.add(r.mul(f));
              }
              i += 16;
            }
            i += 4;
            FloatVector d = FloatVector.fromArray(FLOATS, chunk.scales, scale);
            FloatVector m = FloatVector.fromArray(FLOATS, chunk.minima, scale);
            FloatVector e =
                PAIRS ? FloatVector.fromArray(FLOATS, chunk.scales, scale + scalePart) : d;
            FloatVector n =
                PAIRS ? FloatVector.fromArray(FLOATS, chunk.minima, scale + scalePart) : m;
            float step = steps[j];
            FloatVector inputs = FloatVector.broadcast(FLOATS, sums[j]);
            IntVector sum = a0.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y0);
            y0 = m.fma(inputs, y0);
            if (PAIRS) {
              sum = b0.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z0 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z0);
              z0 = n.fma(inputs, z0);
            }
            step = steps[j + 1];
            inputs = FloatVector.broadcast(FLOATS, sums[j + 1]);
            sum = a1.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y1);
            y1 = m.fma(inputs, y1);
            if (PAIRS) {
              sum = b1.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z1 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z1);
              z1 = n.fma(inputs, z1);
            }
            step = steps[j + 2];
            inputs = FloatVector.broadcast(FLOATS, sums[j + 2]);
            sum = a2.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y2 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y2);
            y2 = m.fma(inputs, y2);
            if (PAIRS) {
              sum = b2.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z2 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z2);
              z2 = n.fma(inputs, z2);
            }
            step = steps[j + 3];
            inputs = FloatVector.broadcast(FLOATS, sums[j + 3]);
            sum = a3.reinterpretAsInts();
            sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
            y3 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(d.mul(step), y3);
            y3 = m.fma(inputs, y3);
            if (PAIRS) {
              sum = b3.reinterpretAsInts();
              sum = sum.lanewise(LSHL, 16).lanewise(ASHR, 16).add(sum.lanewise(ASHR, 16));
              z3 = ((FloatVector) sum.convertShape(I2F, FLOATS, 0)).fma(e.mul(step), z3);
              z3 = n.fma(inputs, z3);
            }
            scale += ROWS;
            j += 4;
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
