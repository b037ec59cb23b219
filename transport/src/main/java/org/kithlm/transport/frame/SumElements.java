package org.kithlm.transport.frame;

import org.kithlm.transport.SumEncoding;

/** Sums, in the session's encoding. Owned by the session's thread. */
public final class SumElements extends EncodedElements {
  private final double[] widened;
  private float[] values = {};

  /**
   * Writes in {@code encoding}.
   *
   * @param bytesMax most of one frame
   * @param elementsMax likewise
   */
  public SumElements(SumEncoding encoding, int bytesMax, int elementsMax) {
    super(encoding, bytesMax);
    widened = new double[elementsMax];
  }

  /** Shows another array, or the same with other values, from now on. */
  public SumElements wrap(float[] newValues) {
    values = newValues;
    changed();
    return this;
  }

  @Override
  int sourceIndex(int first) {
    return 0;
  }

  @Override
  double[] source(int first, int count) {
    for (int i = 0; i < count; i++) {
      widened[i] = values[first + i];
    }
    return widened;
  }
}
