package org.kithlm.node.control;

import java.util.Locale;

/**
 * How precisely sums travel between the ranks of a cluster. As a string it is the word that users
 * write and read.
 */
public enum SumPrecision {
  /** Results are those of one rank alone, to the last bit. */
  EXACT,
  /** Partial sums in 32 bits: results differ between numbers of ranks by rounding only. */
  F32,
  /** In 16 bits, of which 8 are precise. */
  BF16,
  /** In 8 bits and a step for each 32 of them. */
  Q8;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
