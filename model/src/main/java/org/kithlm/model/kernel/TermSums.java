package org.kithlm.model.kernel;

import java.util.Arrays;

/**
 * Sums in f64 of f32 terms [tokens x rows]. Each token has a grid: terms are rounded to its
 * multiples before they are added, so that sums of them are exact and need few bits, whoever adds
 * which of them. Tokens are set by one thread; rows may be added by several.
 */
public final class TermSums {
  /** Those of no token. */
  public static final TermSums NONE = new TermSums(0, 0);

  /**
   * Added to a number and taken away again, it rounds to an integer, to even where two are near.
   */
  private static final double TO_INTEGERS = 0x1.8p52;

  private static final int EXPONENT_MAX = 900;

  private final double[] values;
  private final double[] rounders;

  /** Sums of {@code tokensMax} tokens at most, without grids. */
  public TermSums(int tokensMax, int rows) {
    values = new double[tokensMax * rows];
    rounders = new double[tokensMax];
  }

  /** The sums [tokens x rows], not a copy. */
  public double[] values() {
    return values;
  }

  /** Sets the first {@code count} sums to 0. */
  public void clear(int count) {
    Arrays.fill(values, 0, count, 0);
  }

  /**
   * Sets the grid of a token to a power of two. Where that is no number of use, as its state was
   * zero, infinite or NaN, terms are taken as they are.
   */
  public void roundTo(int token, int exponent) {
    boolean usable = Math.abs(exponent) < EXPONENT_MAX;
    rounders[token] = usable ? Math.scalb(TO_INTEGERS, exponent) : 0;
  }

  /** By token, what rounds a term when it is added and taken away again. */
  double[] rounders() {
    return rounders;
  }
}
