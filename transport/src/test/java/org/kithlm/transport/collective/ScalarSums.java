package org.kithlm.transport.collective;

import org.kithlm.transport.SumEncoding;

/** What sums should be, written as the formats are defined and one element after the other. */
final class ScalarSums {
  private ScalarSums() {}

  /** The sum over ranks. */
  static float[] of(SumEncoding encoding, double[]... partials) {
    double[] sum = new double[partials[0].length];
    for (double[] partial : partials) {
      double[] rounded = encoding == SumEncoding.EXACT ? partial : round(encoding, partial);
      for (int i = 0; i < sum.length; i++) {
        sum[i] += rounded[i];
      }
    }
    double[] rounded = round(encoding, sum);
    float[] result = new float[sum.length];
    for (int i = 0; i < sum.length; i++) {
      result[i] = (float) rounded[i];
    }
    return result;
  }

  /** The values as they arrive. */
  static double[] round(SumEncoding encoding, double[] values) {
    double[] rounded = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] =
          switch (encoding) {
            case EXACT -> values[i];
            case F32 -> (float) values[i];
            case BF16 -> bf16(values[i]);
            case Q8 -> q8(values, i);
          };
    }
    return rounded;
  }

  /** The nearest number with 8 bits of precision, the even one of two. */
  private static double bf16(double value) {
    float single = (float) value;
    double unit = Math.scalb(1.0, Math.max(Float.MIN_EXPONENT, Math.getExponent(single)) - 7);
    return Math.rint(single / unit) * unit;
  }

  private static double q8(double[] values, int i) {
    double max = 0;
    for (int k = i / 32 * 32; k < Math.min(i / 32 * 32 + 32, values.length); k++) {
      max = Math.max(max, Math.abs(values[k]));
    }
    double step = bf16(max / 127);
    if (step == 0) {
      return 0;
    }
    float quotient = (float) values[i] * (1 / (float) step);
    return Math.max(-127, Math.min(127, Math.floor(quotient + 0.5))) * step;
  }
}
