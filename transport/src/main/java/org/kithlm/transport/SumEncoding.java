package org.kithlm.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * How partial sums and sums travel. Sums are formed in f64, whatever this is. With one that rounds,
 * each rank's own partial sum is rounded as well, and so is a sum that need not travel: all ranks
 * add the same terms and hold the same sums, in every form. Rounding what was rounded changes
 * nothing.
 */
public enum SumEncoding {
  /**
   * To the last bit, in as few bytes as that takes ({@link ExactBlocks}). A model's terms are on a
   * grid (ADR 21), so their sums are exact and do not depend on which rank added which of them: the
   * result is that of one rank alone.
   */
  EXACT(1),
  /** Both in f32; results differ between numbers of ranks by f32 rounding. */
  F32(2),
  /** The upper half of an f32: 8 bits of precision. */
  BF16(3),
  /**
   * Blocks of 32 integers from -127 to 127 behind the step between them in bf16. A vector is cut
   * into frames and slices between blocks.
   */
  Q8(4);

  private static final int Q8_ELEMENTS = 32;
  private static final int Q8_BYTES = Short.BYTES + Q8_ELEMENTS;
  private static final float Q8_MAX = 127;

  private final int code;

  SumEncoding(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  public int code() {
    return code;
  }

  /** Elements that belong together: no frame begins or ends between them but the last. */
  public int blockElements() {
    return switch (this) {
      case EXACT -> ExactBlocks.ELEMENTS;
      case Q8 -> Q8_ELEMENTS;
      case F32, BF16 -> 1;
    };
  }

  /** Bytes of {@code count} elements; of {@link #EXACT} ones as a rule. */
  public int typicalBytes(int count) {
    return switch (this) {
      case EXACT -> ExactBlocks.typicalBytes(count);
      case F32 -> count * Float.BYTES;
      case BF16 -> count * Short.BYTES;
      case Q8 -> count + Math.ceilDiv(count, Q8_ELEMENTS) * Short.BYTES;
    };
  }

  /** Elements, in whole blocks, that fit; of {@link #EXACT} ones as a rule. */
  public int typicalIn(int lengthBytes) {
    return switch (this) {
      case EXACT -> ExactBlocks.typicalIn(lengthBytes);
      case F32 -> lengthBytes / Float.BYTES;
      case BF16 -> lengthBytes / Short.BYTES;
      case Q8 -> lengthBytes / Q8_BYTES * Q8_ELEMENTS;
    };
  }

  /** Most elements that are put into so many bytes. */
  public int mostIn(int lengthBytes) {
    return this == EXACT ? ExactBlocks.mostIn(lengthBytes) : typicalIn(lengthBytes);
  }

  /** How many elements were written to {@code lengthBytes}, {@code countMax} at most. */
  public int countIn(DirectBuffer source, int index, int lengthBytes, int countMax) {
    if (this == EXACT) {
      return ExactBlocks.countIn(source, index, lengthBytes, countMax);
    }
    return lengthBytes == typicalBytes(countMax) ? countMax : typicalIn(lengthBytes);
  }

  /** Whether these can be {@code count} written elements. */
  public boolean isValid(DirectBuffer source, int index, int lengthBytes, int count) {
    return this == EXACT
        ? ExactBlocks.isValid(source, index, lengthBytes, count)
        : lengthBytes == typicalBytes(count);
  }

  /**
   * Writes {@code values[first, first + countMax)} from {@code index}, little-endian: all, or as
   * many whole blocks as fit into {@code bytesMax}.
   *
   * @return the bytes written
   */
  public int write(
      double[] values,
      int first,
      int countMax,
      MutableDirectBuffer target,
      int index,
      int bytesMax) {
    int count = typicalBytes(countMax) <= bytesMax ? countMax : typicalIn(bytesMax);
    switch (this) {
      case EXACT -> {
        return ExactBlocks.write(values, first, countMax, target, index, bytesMax);
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          target.putFloat(index + i * Float.BYTES, (float) values[first + i], LITTLE_ENDIAN);
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          short bits = bf16((float) values[first + i]);
          target.putShort(index + i * Short.BYTES, bits, LITTLE_ENDIAN);
        }
      }
      case Q8 -> {
        int at = index;
        for (int block = first; block < first + count; block += Q8_ELEMENTS) {
          int end = Math.min(block + Q8_ELEMENTS, first + count);
          short bits = q8Step(values, block, end);
          target.putShort(at, bits, LITTLE_ENDIAN);
          at += Short.BYTES;
          float inverse = inverse(f32(bits));
          for (int i = block; i < end; i++) {
            target.putByte(at++, (byte) q8(values[i], inverse));
          }
        }
      }
    }
    return typicalBytes(count);
  }

  /** Adds {@code count} written elements to {@code sums[0, count)}. */
  public void addTo(double[] sums, int count, DirectBuffer source, int index) {
    switch (this) {
      case EXACT -> ExactBlocks.addTo(sums, count, source, index);
      case F32 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += source.getFloat(index + i * Float.BYTES, LITTLE_ENDIAN);
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += f32(source.getShort(index + i * Short.BYTES, LITTLE_ENDIAN));
        }
      }
      case Q8 -> {
        int at = index;
        for (int block = 0; block < count; block += Q8_ELEMENTS) {
          float step = f32(source.getShort(at, LITTLE_ENDIAN));
          at += Short.BYTES;
          for (int i = block; i < Math.min(block + Q8_ELEMENTS, count); i++) {
            sums[i] += source.getByte(at++) * step;
          }
        }
      }
    }
  }

  /** Adds {@code values[first, first + count)} to {@code sums[0, count)} as others would. */
  public void addTo(double[] sums, double[] values, int first, int count) {
    switch (this) {
      case EXACT -> {
        for (int i = 0; i < count; i++) {
          sums[i] += values[first + i];
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += (float) values[first + i];
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          sums[i] += f32(bf16((float) values[first + i]));
        }
      }
      case Q8 -> {
        for (int block = first; block < first + count; block += Q8_ELEMENTS) {
          int end = Math.min(block + Q8_ELEMENTS, first + count);
          float step = f32(q8Step(values, block, end));
          float inverse = inverse(step);
          for (int i = block; i < end; i++) {
            sums[i - first] += q8(values[i], inverse) * step;
          }
        }
      }
    }
  }

  /**
   * Puts sums that were formed in f64 where they belong, as all ranks will hold them.
   *
   * @param sums the first {@code count} are changed
   * @param first index of the first in {@code target}
   */
  public void round(double[] sums, int count, float[] target, int first) {
    switch (this) {
      case EXACT, F32 -> {
        for (int i = 0; i < count; i++) {
          target[first + i] = (float) sums[i];
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          target[first + i] = f32(bf16((float) sums[i]));
        }
      }
      case Q8 -> {
        for (int block = 0; block < count; block += Q8_ELEMENTS) {
          int end = Math.min(block + Q8_ELEMENTS, count);
          float step = f32(q8Step(sums, block, end));
          float inverse = inverse(step);
          for (int i = block; i < end; i++) {
            target[first + i] = q8(sums[i], inverse) * step;
          }
        }
      }
    }
  }

  /** The nearest, to even where two are as near. */
  private static short bf16(float value) {
    int bits = Float.floatToIntBits(value); // a NaN has one pattern, which the next line keeps one
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  private static float f32(short bf16) {
    return Float.intBitsToFloat(bf16 << 16);
  }

  /**
   * The step of a block, in bf16: NaN where a value is, infinite where one is, 0 where all are so
   * small that it would not be a normal number.
   */
  private static short q8Step(double[] values, int first, int end) {
    double max = 0;
    for (int i = first; i < end; i++) {
      max = Math.max(max, Math.abs(values[i]));
    }
    float step = (float) (max / Q8_MAX);
    return step < Float.MIN_NORMAL ? 0 : bf16(step);
  }

  private static float inverse(float step) {
    return step == 0 ? 0 : 1 / step;
  }

  private static int q8(double value, float inverse) {
    return Math.round(Math.clamp((float) value * inverse, -Q8_MAX, Q8_MAX));
  }
}
