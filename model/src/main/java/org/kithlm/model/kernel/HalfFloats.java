package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Runs of 16-bit IEEE floats; HotSpot turns these loops into vector conversions. */
public final class HalfFloats {
  private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;

  private HalfFloats() {}

  /** Widens {@code length} floats from a byte offset on to {@code out}; exact. */
  public static void toFloats(
      MemorySegment in, long inOffsetBytes, float[] out, int outOffset, int length) {
    for (int i = 0; i < length; i++) {
      out[outOffset + i] =
          Float.float16ToFloat(in.get(HALF, inOffsetBytes + (long) i * Short.BYTES));
    }
  }

  /**
   * Rounds {@code in[inOffset, inOffset + length)} to nearest, ties to even.
   *
   * @param strideBytes from one float of {@code out} to the next
   */
  public static void fromFloats(
      float[] in,
      int inOffset,
      MemorySegment out,
      long outOffsetBytes,
      long strideBytes,
      int length) {
    for (int i = 0; i < length; i++) {
      out.set(HALF, outOffsetBytes + i * strideBytes, Float.floatToFloat16(in[inOffset + i]));
    }
  }
}
