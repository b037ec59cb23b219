package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.BYTES;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.kithlm.model.gguf.GgmlType;

/**
 * Vector twin of {@link ScalarDequantizer}, which explains the formats; the results are the same
 * bits. It reads an array, into which the caller has copied a run of blocks: arrays compile to
 * better code than memory segments of several kinds. Methods are small so that each is compiled
 * well; none keeps a vector across a call that is not inlined, which would allocate.
 */
final class VectorDequantizer {
  /** Bytes that are read (never used) beyond the last block. */
  static final int PADDING_BYTES = 64;

  /** The bytes of a float vector. */
  private static final VectorSpecies<Byte> SINGLES = FLOATS.vectorShape().withLanes(byte.class);

  /** As many ints as floats. */
  private static final VectorSpecies<Integer> INTS = FLOATS.vectorShape().withLanes(int.class);

  /** The bytes of as many 16-bit numbers as a float vector has lanes. */
  private static final VectorSpecies<Byte> HALVES =
      VectorShape.forBitSize(FLOATS.vectorBitSize() / 2).withLanes(byte.class);

  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private VectorDequantizer() {}

  /** Dequantizes a run of blocks of one type. */
  @FunctionalInterface
  interface Kernel {
    /**
     * Writes the elements of whole blocks to {@code out[outOffset, outEnd)}.
     *
     * @param blocks holds {@link #PADDING_BYTES} more than the blocks
     * @param at start of the first block
     */
    void dequantize(byte[] blocks, int at, float[] out, int outOffset, int outEnd);
  }

  /**
   * The kernel of a type. The call through it also keeps HotSpot from inlining the kernels of many
   * types into one method, where its node budget would run out and vectors would be allocated.
   */
  static Kernel of(GgmlType type) {
    return switch (type) {
      case F32 -> VectorDequantizer::f32;
      case F16 -> VectorDequantizer::f16;
      case BF16 -> VectorDequantizer::bf16;
      case Q4_0 -> VectorDequantizer::q4_0;
      case Q4_1 -> VectorDequantizer::q4_1;
      case Q5_0 -> VectorDequantizer::q5_0;
      case Q5_1 -> VectorDequantizer::q5_1;
      case Q8_0 -> VectorDequantizer::q8_0;
      case Q4_K -> VectorDequantizer::q4_K;
      case Q5_K -> VectorDequantizer::q5_K;
      case Q6_K -> VectorDequantizer::q6_K;
    };
  }

  private static void f32(byte[] b, int at, float[] out, int o, int end) {
    for (; o + COUNT <= end; o += COUNT, at += Float.BYTES * COUNT) {
      ByteVector.fromArray(SINGLES, b, at).reinterpretAsFloats().intoArray(out, o);
    }
    for (; o < end; o++, at += Float.BYTES) {
      out[o] = Float.intBitsToFloat((int) INT.get(b, at));
    }
  }

  private static void f16(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o++, at += Short.BYTES) {
      out[o] = half(b, at);
    }
  }

  private static void bf16(byte[] b, int at, float[] out, int o, int end) {
    for (; o + COUNT <= end; o += COUNT, at += Short.BYTES * COUNT) {
      ByteVector.fromArray(HALVES, b, at)
          .reinterpretAsShorts()
          .convertShape(VectorOperators.S2I, INTS, 0)
          .reinterpretAsInts()
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(out, o);
    }
    for (; o < end; o++, at += Short.BYTES) {
      out[o] = Float.intBitsToFloat((short) SHORT.get(b, at) << 16);
    }
  }

  private static void q4_0(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 32, at += 18) {
      float d = half(b, at);
      for (int j = 0; j < 16; j += COUNT) {
        ByteVector pair = bytes(b, at + 2 + j);
        scaled(low(pair).sub((byte) 8), d).intoArray(out, o + j);
        scaled(high(pair).sub((byte) 8), d).intoArray(out, o + 16 + j);
      }
    }
  }

  private static void q4_1(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 32, at += 20) {
      float d = half(b, at);
      float m = half(b, at + 2);
      for (int j = 0; j < 16; j += COUNT) {
        ByteVector pair = bytes(b, at + 4 + j);
        scaled(low(pair), d).add(m).intoArray(out, o + j);
        scaled(high(pair), d).add(m).intoArray(out, o + 16 + j);
      }
    }
  }

  private static void q5_0(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 32, at += 22) {
      float d = half(b, at);
      int fifthBits = (int) INT.get(b, at + 2);
      for (int j = 0; j < 16; j += COUNT) {
        ByteVector pair = bytes(b, at + 6 + j);
        ByteVector q = withFifthBit(low(pair), fifthBits >>> j);
        scaled(q.sub((byte) 16), d).intoArray(out, o + j);
        q = withFifthBit(high(pair), fifthBits >>> (16 + j));
        scaled(q.sub((byte) 16), d).intoArray(out, o + 16 + j);
      }
    }
  }

  private static void q5_1(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 32, at += 24) {
      float d = half(b, at);
      float m = half(b, at + 2);
      int fifthBits = (int) INT.get(b, at + 4);
      for (int j = 0; j < 16; j += COUNT) {
        ByteVector pair = bytes(b, at + 8 + j);
        ByteVector q = withFifthBit(low(pair), fifthBits >>> j);
        scaled(q, d).add(m).intoArray(out, o + j);
        q = withFifthBit(high(pair), fifthBits >>> (16 + j));
        scaled(q, d).add(m).intoArray(out, o + 16 + j);
      }
    }
  }

  private static void q8_0(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 32, at += 34) {
      float d = half(b, at);
      for (int j = 0; j < 32; j += COUNT) {
        scaled(bytes(b, at + 2 + j), d).intoArray(out, o + j);
      }
    }
  }

  private static void q4_K(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 256, at += 144) {
      float d = half(b, at);
      float dMin = half(b, at + 2);
      for (int pair = 0; pair < 4; pair++) {
        q4_KPair(b, at + 4, pair, at + 16 + 32 * pair, d, dMin, out, o + 64 * pair);
      }
    }
  }

  /** Groups {@code 2 pair} and {@code 2 pair + 1}, which share 32 bytes. */
  private static void q4_KPair(
      byte[] b, int scales, int pair, int nibbles, float d, float dMin, float[] out, int o) {
    float lowScale = d * groupScale(b, scales, 2 * pair);
    float lowMin = dMin * groupMinimum(b, scales, 2 * pair);
    float highScale = d * groupScale(b, scales, 2 * pair + 1);
    float highMin = dMin * groupMinimum(b, scales, 2 * pair + 1);
    for (int j = 0; j < 32; j += COUNT) {
      ByteVector q = bytes(b, nibbles + j);
      scaled(low(q), lowScale).sub(lowMin).intoArray(out, o + j);
      scaled(high(q), highScale).sub(highMin).intoArray(out, o + 32 + j);
    }
  }

  private static void q5_K(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 256, at += 176) {
      float d = half(b, at);
      float dMin = half(b, at + 2);
      for (int pair = 0; pair < 4; pair++) {
        q5_KPair(b, at + 4, pair, at + 16, at + 48 + 32 * pair, d, dMin, out, o + 64 * pair);
      }
    }
  }

  private static void q5_KPair(
      byte[] b,
      int scales,
      int pair,
      int fifthBits,
      int nibbles,
      float d,
      float dMin,
      float[] out,
      int o) {
    float lowScale = d * groupScale(b, scales, 2 * pair);
    float lowMin = dMin * groupMinimum(b, scales, 2 * pair);
    float highScale = d * groupScale(b, scales, 2 * pair + 1);
    float highMin = dMin * groupMinimum(b, scales, 2 * pair + 1);
    for (int j = 0; j < 32; j += COUNT) {
      ByteVector q = bytes(b, nibbles + j);
      ByteVector fifth = shiftedRight(bytes(b, fifthBits + j), 2 * pair);
      ByteVector lowFifth = shiftedLeft(fifth.and((byte) 1), 4);
      ByteVector highFifth = shiftedLeft(fifth.and((byte) 2), 3);
      scaled(low(q).or(lowFifth), lowScale).sub(lowMin).intoArray(out, o + j);
      scaled(high(q).or(highFifth), highScale).sub(highMin).intoArray(out, o + 32 + j);
    }
  }

  private static void q6_K(byte[] b, int at, float[] out, int o, int end) {
    for (; o < end; o += 256, at += 210) {
      float d = half(b, at + 208);
      for (int i = 0; i < 8; i++) {
        int half = i / 4;
        int quarter = i % 4;
        int lowBits = at + 64 * half + 32 * (quarter & 1);
        int highBits = at + 128 + 32 * half;
        q6_KQuarter(b, lowBits, highBits, quarter, at + 192 + 2 * i, d, out, o + 32 * i);
      }
    }
  }

  /** 32 elements with two scales. */
  private static void q6_KQuarter(
      byte[] b, int lowBits, int highBits, int quarter, int scales, float d, float[] out, int o) {
    for (int j = 0; j < 32; j += COUNT) {
      ByteVector low = shiftedRight(bytes(b, lowBits + j), 4 * (quarter / 2)).and((byte) 15);
      ByteVector high = shiftedRight(bytes(b, highBits + j), 2 * quarter).and((byte) 3);
      ByteVector q = low.or(shiftedLeft(high, 4)).sub((byte) 32);
      scaled(q, d * b[scales + j / 16]).intoArray(out, o + j);
    }
  }

  private static ByteVector bytes(byte[] b, int at) {
    return ByteVector.fromArray(BYTES, b, at);
  }

  private static ByteVector low(ByteVector pair) {
    return pair.and((byte) 15);
  }

  private static ByteVector high(ByteVector pair) {
    return shiftedRight(pair, 4).and((byte) 15);
  }

  /** Shifts bytes; the upper bits hold garbage of the neighbour, as processors lack this shift. */
  private static ByteVector shiftedRight(ByteVector v, int bits) {
    return v.reinterpretAsShorts().lanewise(VectorOperators.LSHR, bits).reinterpretAsBytes();
  }

  /** Shifts bytes whose upper bits are clear. */
  private static ByteVector shiftedLeft(ByteVector v, int bits) {
    return v.reinterpretAsShorts().lanewise(VectorOperators.LSHL, bits).reinterpretAsBytes();
  }

  private static ByteVector withFifthBit(ByteVector q, int bits) {
    return q.lanewise(VectorOperators.OR, 16, VectorMask.fromLong(BYTES, bits));
  }

  private static FloatVector scaled(ByteVector q, float scale) {
    return ((FloatVector) q.convertShape(VectorOperators.B2F, FLOATS, 0)).mul(scale);
  }

  private static float half(byte[] b, int at) {
    return Float.float16ToFloat((short) SHORT.get(b, at));
  }

  private static int groupScale(byte[] b, int scales, int group) {
    return group < 4
        ? b[scales + group] & 63
        : (b[scales + group + 4] & 15) | ((b[scales + group - 4] & 0xC0) >> 2);
  }

  private static int groupMinimum(byte[] b, int scales, int group) {
    return group < 4
        ? b[scales + group + 4] & 63
        : ((b[scales + group + 4] & 0xF0) >> 4) | ((b[scales + group] & 0xC0) >> 2);
  }
}
