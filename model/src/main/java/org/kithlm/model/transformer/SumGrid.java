package org.kithlm.model.transformer;

/**
 * The grid that a token's terms of an allreduce are rounded to (ADR 21): a power of two, 2^13 to
 * 2^14 times finer than the mean size of what the block is given, which all ranks hold. So it
 * depends on the token alone, not on who computes it or with which others.
 */
final class SumGrid {
  private static final int BITS = 13;

  private SumGrid() {}

  /** The exponent of the grid of a token with the normalised state {@code x[offset, + length)}. */
  static int exponent(float[] x, int offset, int length) {
    double sum = 0;
    for (int i = offset; i < offset + length; i++) {
      sum += Math.abs(x[i]); // in this order on every machine
    }
    return Math.getExponent(sum / length) - BITS;
  }
}
