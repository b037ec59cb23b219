package org.kithlm.model.kernel;

/** Runs of 16-bit IEEE floats; HotSpot turns these loops into vector conversions. */
public final class HalfFloats {
  private HalfFloats() {}

  /** Widens {@code in[inOffset, inOffset + length)} to {@code out}; exact. */
  public static void toFloats(short[] in, int inOffset, float[] out, int outOffset, int length) {
    for (int i = 0; i < length; i++) {
      out[outOffset + i] = Float.float16ToFloat(in[inOffset + i]);
    }
  }

  /** Rounds {@code in[inOffset, inOffset + length)} to nearest, ties to even. */
  public static void fromFloats(float[] in, int inOffset, short[] out, int outOffset, int length) {
    for (int i = 0; i < length; i++) {
      out[outOffset + i] = Float.floatToFloat16(in[inOffset + i]);
    }
  }
}
