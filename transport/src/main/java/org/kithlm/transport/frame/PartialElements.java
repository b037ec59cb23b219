package org.kithlm.transport.frame;

import org.kithlm.transport.SumEncoding;

/** Partial sums, in the session's encoding. Owned by the session's thread. */
public final class PartialElements extends EncodedElements {
  private double[] values = {};

  /**
   * Writes in {@code encoding}.
   *
   * @param bytesMax most of one frame
   */
  public PartialElements(SumEncoding encoding, int bytesMax) {
    super(encoding, bytesMax);
  }

  /** Shows another array, or the same with other values, from now on. */
  public PartialElements wrap(double[] newValues) {
    values = newValues;
    changed();
    return this;
  }

  @Override
  int sourceIndex(int first) {
    return first;
  }

  @Override
  double[] source(int first, int count) {
    return values;
  }
}
