package org.kithlm.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * How partial sums travel. Sums are formed in f64 and rounded to f32 once, whatever this is; with
 * one that rounds, the own partial sum is rounded as well, so that all ranks add the same terms.
 */
public enum PartialEncoding {
  /**
   * As they are. A sum of f32 terms that lie within a factor of 2^20 is exact in f64, so it does
   * not depend on which rank added which of them: the result is that of one rank alone.
   */
  F64(1, Double.BYTES),
  /** Half the bytes; results differ between numbers of ranks by f32 rounding. */
  F32(2, Float.BYTES);

  private final int code;
  private final int elementBytes;

  PartialEncoding(int code, int elementBytes) {
    this.code = code;
    this.elementBytes = elementBytes;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }

  /** Bytes of an element. */
  public int elementBytes() {
    return elementBytes;
  }

  /** Writes {@code values[first, first + count)} from {@code index}, little-endian. */
  public void write(double[] values, int first, int count, MutableDirectBuffer target, int index) {
    switch (this) {
      case F64 -> {
        for (int i = 0; i < count; i++) {
          target.putDouble(index + i * Double.BYTES, values[first + i], LITTLE_ENDIAN);
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          target.putFloat(index + i * Float.BYTES, (float) values[first + i], LITTLE_ENDIAN);
        }
      }
    }
  }

  /** Adds {@code count} written elements to {@code sums[0, count)}. */
  public void addTo(double[] sums, int count, DirectBuffer source, int index) {
    switch (this) {
      case F64 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += source.getDouble(index + i * Double.BYTES, LITTLE_ENDIAN);
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += source.getFloat(index + i * Float.BYTES, LITTLE_ENDIAN);
        }
      }
    }
  }

  /** Adds {@code values[first, first + count)} to {@code sums[0, count)} as others would. */
  public void addTo(double[] sums, double[] values, int first, int count) {
    switch (this) {
      case F64 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += values[first + i];
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += (float) values[first + i];
        }
      }
    }
  }
}
