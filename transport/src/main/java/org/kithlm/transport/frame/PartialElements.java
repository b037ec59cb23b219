package org.kithlm.transport.frame;

import org.agrona.MutableDirectBuffer;
import org.kithlm.transport.SumEncoding;

/** Partial sums, in the session's encoding. Owned by the session's thread. */
public final class PartialElements implements Elements {
  private final SumEncoding encoding;
  private double[] values = {};

  /** Writes in {@code encoding}. */
  public PartialElements(SumEncoding encoding) {
    this.encoding = encoding;
  }

  /** Shows another array from now on. */
  public PartialElements wrap(double[] newValues) {
    values = newValues;
    return this;
  }

  @Override
  public int countIn(int first, int countMax, int bytesMax) {
    return encoding.countIn(values, first, countMax, bytesMax);
  }

  @Override
  public int lengthBytes(int first, int count) {
    return encoding.lengthBytes(values, first, count);
  }

  @Override
  public int write(int first, int count, MutableDirectBuffer target, int index) {
    return encoding.write(values, first, count, target, index);
  }
}
