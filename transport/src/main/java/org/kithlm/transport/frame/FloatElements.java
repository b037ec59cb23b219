package org.kithlm.transport.frame;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.MutableDirectBuffer;

/** Hidden states and sums: f32. Owned by the session's thread. */
public final class FloatElements implements Elements {
  private float[] values = {};

  /** Shows another array from now on. */
  public FloatElements wrap(float[] newValues) {
    values = newValues;
    return this;
  }

  @Override
  public int countIn(int first, int countMax, int bytesMax) {
    return Math.min(countMax, bytesMax / Float.BYTES);
  }

  @Override
  public int lengthBytes(int first, int count) {
    return count * Float.BYTES;
  }

  @Override
  public int write(int first, int count, MutableDirectBuffer target, int index) {
    for (int i = 0; i < count; i++) {
      target.putFloat(index + i * Float.BYTES, values[first + i], LITTLE_ENDIAN);
    }
    return count * Float.BYTES;
  }
}
