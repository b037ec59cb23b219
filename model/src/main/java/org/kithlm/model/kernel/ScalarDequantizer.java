package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.kithlm.model.gguf.GgmlType;

/**
 * Turns weight blocks into floats, one plain method per type. The block formats are those of ggml
 * (ggml-common.h); here {@code d} is a block's scale, {@code m} its minimum and {@code q} the
 * stored integer of an element. Products and sums are rounded one by one, never fused.
 */
public final class ScalarDequantizer {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private ScalarDequantizer() {}

  /**
   * Writes {@code length} elements to {@code out[outOffset, outOffset + length)}.
   *
   * @param offsetBytes start of the first block in {@code source}
   * @throws IllegalArgumentException if {@code length} is not whole blocks
   * @throws IndexOutOfBoundsException if the blocks exceed the source or the elements {@code out}
   */
  public static void dequantize(
      GgmlType type,
      MemorySegment source,
      long offsetBytes,
      float[] out,
      int outOffset,
      int length) {
    MemorySegment blocks = source.asSlice(offsetBytes, type.bytes(length));
    for (int i = 0; i < length; i += type.blockLength()) {
      long block = type.bytes(i);
      int o = outOffset + i;
      switch (type) {
        case F32 -> out[o] = blocks.get(FLOAT, block);
        case F16 -> out[o] = half(blocks, block);
        case BF16 -> out[o] = Float.intBitsToFloat(blocks.get(SHORT, block) << 16);
        case Q4_0 -> q4_0(blocks, block, out, o);
        case Q4_1 -> q4_1(blocks, block, out, o);
        case Q5_0 -> q5_0(blocks, block, out, o);
        case Q5_1 -> q5_1(blocks, block, out, o);
        case Q8_0 -> q8_0(blocks, block, out, o);
        case Q4_K -> q4_K(blocks, block, out, o);
        case Q5_K -> q5_K(blocks, block, out, o);
        case Q6_K -> q6_K(blocks, block, out, o);
      }
    }
  }

  /** d, 16 bytes; byte j holds elements j (low half) and j + 16: d * (q - 8). */
  private static void q4_0(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    for (int j = 0; j < 16; j++) {
      int pair = unsignedByte(s, block + 2 + j);
      out[o + j] = d * ((pair & 15) - 8);
      out[o + j + 16] = d * ((pair >> 4) - 8);
    }
  }

  /** d, m, 16 bytes as in Q4_0: d * q + m. */
  private static void q4_1(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    float m = half(s, block + 2);
    for (int j = 0; j < 16; j++) {
      int pair = unsignedByte(s, block + 4 + j);
      out[o + j] = d * (pair & 15) + m;
      out[o + j + 16] = d * (pair >> 4) + m;
    }
  }

  /** d, 32 fifth bits (bit i is element i), 16 bytes as in Q4_0: d * (q - 16). */
  private static void q5_0(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    int fifthBits = s.get(INT, block + 2);
    for (int j = 0; j < 16; j++) {
      int pair = unsignedByte(s, block + 6 + j);
      out[o + j] = d * (((pair & 15) | fifthBit(fifthBits, j)) - 16);
      out[o + j + 16] = d * (((pair >> 4) | fifthBit(fifthBits, j + 16)) - 16);
    }
  }

  /** d, m, 32 fifth bits and 16 bytes as in Q5_0: d * q + m. */
  private static void q5_1(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    float m = half(s, block + 2);
    int fifthBits = s.get(INT, block + 4);
    for (int j = 0; j < 16; j++) {
      int pair = unsignedByte(s, block + 8 + j);
      out[o + j] = d * ((pair & 15) | fifthBit(fifthBits, j)) + m;
      out[o + j + 16] = d * ((pair >> 4) | fifthBit(fifthBits, j + 16)) + m;
    }
  }

  /** d, 32 signed bytes: d * q. */
  private static void q8_0(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    for (int j = 0; j < 32; j++) {
      out[o + j] = d * s.get(ValueLayout.JAVA_BYTE, block + 2 + j);
    }
  }

  /**
   * d, dmin, 12 bytes of 6-bit scales and minima of 8 groups of 32, then 128 bytes; 32 bytes hold
   * groups 2k (low halves) and 2k + 1: d * scale * q - dmin * minimum.
   */
  private static void q4_K(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    float dMin = half(s, block + 2);
    long scales = block + 4;
    long nibbles = block + 16;
    for (int group = 0; group < 8; group++) {
      float scale = d * groupScale(s, scales, group);
      float minimum = dMin * groupMinimum(s, scales, group);
      int shift = 4 * (group & 1);
      for (int j = 0; j < 32; j++) {
        int q = (unsignedByte(s, nibbles + 32L * (group / 2) + j) >> shift) & 15;
        out[o + 32 * group + j] = scale * q - minimum;
      }
    }
  }

  /** As Q4_K with 32 bytes of fifth bits before the 128: bit {@code group} of byte j. */
  private static void q5_K(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block);
    float dMin = half(s, block + 2);
    long scales = block + 4;
    long fifthBits = block + 16;
    long nibbles = block + 48;
    for (int group = 0; group < 8; group++) {
      float scale = d * groupScale(s, scales, group);
      float minimum = dMin * groupMinimum(s, scales, group);
      int shift = 4 * (group & 1);
      for (int j = 0; j < 32; j++) {
        int low = (unsignedByte(s, nibbles + 32L * (group / 2) + j) >> shift) & 15;
        int q = low | fifthBit(unsignedByte(s, fifthBits + j), group);
        out[o + 32 * group + j] = scale * q - minimum;
      }
    }
  }

  /**
   * 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales of 16 elements each, d: d *
   * scale * (q - 32). In each half of 128 elements, quarter k (32 elements) has its low bits in
   * bytes {@code 32 (k mod 2) + j}, the upper half of the byte for k >= 2, and its high bits at bit
   * {@code 2k} of byte j.
   */
  private static void q6_K(MemorySegment s, long block, float[] out, int o) {
    float d = half(s, block + 208);
    for (int i = 0; i < 256; i++) {
      int half = i / 128;
      int quarter = i / 32 % 4;
      int j = i % 32;
      int low = unsignedByte(s, block + 64L * half + 32L * (quarter & 1) + j);
      int high = unsignedByte(s, block + 128 + 32L * half + j);
      int q = ((low >> (4 * (quarter / 2))) & 15) | (((high >> (2 * quarter)) & 3) << 4);
      float scale = d * s.get(ValueLayout.JAVA_BYTE, block + 192 + i / 16);
      out[o + i] = scale * (q - 32);
    }
  }

  /** Groups 0-3: low 6 bits of byte g; groups 4-7: low half of byte g + 4, high 2 bits of g - 4. */
  private static int groupScale(MemorySegment s, long scales, int group) {
    if (group < 4) {
      return unsignedByte(s, scales + group) & 63;
    }
    int low = unsignedByte(s, scales + group + 4) & 15;
    int high = unsignedByte(s, scales + group - 4) >> 6;
    return low | (high << 4);
  }

  /** Groups 0-3: low 6 bits of byte g + 4; groups 4-7: high half of g + 4, high 2 bits of g. */
  private static int groupMinimum(MemorySegment s, long scales, int group) {
    if (group < 4) {
      return unsignedByte(s, scales + group + 4) & 63;
    }
    int low = unsignedByte(s, scales + group + 4) >> 4;
    int high = unsignedByte(s, scales + group) >> 6;
    return low | (high << 4);
  }

  /** Bit {@code index} of {@code bits}, as the bit worth 16. */
  private static int fifthBit(int bits, int index) {
    return ((bits >>> index) & 1) << 4;
  }

  private static float half(MemorySegment s, long offsetBytes) {
    return Float.float16ToFloat(s.get(SHORT, offsetBytes));
  }

  private static int unsignedByte(MemorySegment s, long offsetBytes) {
    return Byte.toUnsignedInt(s.get(ValueLayout.JAVA_BYTE, offsetBytes));
  }
}
