package org.kithlm.model.transformer;

/** What a transport may do to partial sums and sums on their way; see its encodings. */
enum SumRounding {
  EXACT,
  F32,
  BF16,
  Q8;

  /** Rounds the first {@code length} values as sums travel. */
  void roundSums(double[] values, int length) {
    switch (this) {
      case EXACT, F32 -> {
        for (int i = 0; i < length; i++) {
          values[i] = (float) values[i];
        }
      }
      case BF16 -> {
        for (int i = 0; i < length; i++) {
          values[i] = bf16(values[i]);
        }
      }
      case Q8 -> {
        for (int first = 0; first < length; first += 32) {
          q8(values, first, Math.min(first + 32, length));
        }
      }
    }
  }

  /** Rounds the first {@code length} values as partial sums travel. */
  void roundPartials(double[] values, int length) {
    if (this != EXACT) {
      roundSums(values, length);
    }
  }

  private static double bf16(double value) {
    float single = (float) value;
    double unit = Math.scalb(1.0, Math.max(Float.MIN_EXPONENT, Math.getExponent(single)) - 7);
    return Math.rint(single / unit) * unit;
  }

  private static void q8(double[] values, int first, int end) {
    double max = 0;
    for (int i = first; i < end; i++) {
      max = Math.max(max, Math.abs(values[i]));
    }
    double step = bf16(max / 127);
    for (int i = first; i < end; i++) {
      values[i] = step == 0 ? 0 : Math.rint(values[i] / step) * step;
    }
  }
}
