package org.kithlm.transport.frame;

import org.agrona.MutableDirectBuffer;
import org.kithlm.transport.SumEncoding;

/** Sums, in the session's encoding. Owned by the session's thread. */
public final class SumElements implements Elements {
  private final SumEncoding encoding;
  private final double[] frame;
  private float[] values = {};

  /**
   * Writes in {@code encoding}.
   *
   * @param frameElements most of one frame
   */
  public SumElements(SumEncoding encoding, int frameElements) {
    this.encoding = encoding;
    frame = new double[frameElements];
  }

  /** Shows another array from now on. */
  public SumElements wrap(float[] newValues) {
    values = newValues;
    return this;
  }

  @Override
  public int countIn(int first, int countMax, int bytesMax) {
    int count = Math.min(countMax, frame.length);
    return encoding.countIn(widened(first, count), 0, count, bytesMax);
  }

  @Override
  public int lengthBytes(int first, int count) {
    return encoding.lengthBytes(widened(first, count), 0, count);
  }

  @Override
  public int write(int first, int count, MutableDirectBuffer target, int index) {
    return encoding.write(widened(first, count), 0, count, target, index);
  }

  private double[] widened(int first, int count) {
    for (int i = 0; i < count; i++) {
      frame[i] = values[first + i];
    }
    return frame;
  }
}
