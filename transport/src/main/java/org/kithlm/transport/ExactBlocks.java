package org.kithlm.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Numbers that arrive to the last bit, in as few bytes as those of a block allow. Partial sums are
 * multiples of a power of two that is coarse beside f64 (ADR 21), so most take two or three.
 *
 * <pre>
 *  0 byte   width of a number: 0 to 7 bytes of a signed integer, 8 an f64, 9 an f32
 *  1 short  exponent of the power of two that the integers are multiples of
 *  3 up to {@value #ELEMENTS} numbers, little-endian
 * </pre>
 */
final class ExactBlocks {
  /** Numbers of a block; the last of a vector may have fewer. */
  static final int ELEMENTS = 32;

  private static final int HEADER_BYTES = 3;
  private static final int EXPONENT_OFFSET = 1;
  private static final int INTEGER_BYTES_MAX = 7;
  private static final int F64 = 8;
  private static final int F32 = 9;

  // What a block usually takes, as measured on real models.
  private static final int TYPICAL_BYTES = 80;

  private static final int MANTISSA_BITS = 52;
  private static final int EXPONENT_MASK = 0x7FF;
  private static final int EXPONENT_MIN = -1000; // its inverse is a number too

  private ExactBlocks() {}

  /** Bytes of {@code count} numbers as a rule. */
  static int typicalBytes(int count) {
    return Math.ceilDiv(count * TYPICAL_BYTES, ELEMENTS);
  }

  /** Numbers that fit as a rule. */
  static int typicalIn(int lengthBytes) {
    return lengthBytes / TYPICAL_BYTES * ELEMENTS;
  }

  /** Numbers that fit where each takes a byte. */
  static int mostIn(int lengthBytes) {
    return lengthBytes / (HEADER_BYTES + ELEMENTS) * ELEMENTS;
  }

  /** How many of {@code values[first, first + countMax)} fit, in whole blocks or all. */
  static int countIn(double[] values, int first, int countMax, int bytesMax) {
    int bytes = 0;
    int shape = 0;
    for (int block = 0; block < countMax; block += ELEMENTS) {
      int count = Math.min(ELEMENTS, countMax - block);
      shape = shape(values, first + block, count, shape);
      bytes += blockBytes(width(shape), count);
      if (bytes > bytesMax) {
        return block;
      }
    }
    return countMax;
  }

  /** Writes {@code values[first, first + count)} from {@code index}; the result is their bytes. */
  static int write(double[] values, int first, int count, MutableDirectBuffer target, int index) {
    int at = index;
    int shape = 0;
    for (int block = 0; block < count; block += ELEMENTS) {
      int blockCount = Math.min(ELEMENTS, count - block);
      shape = shape(values, first + block, blockCount, shape);
      int width = width(shape);
      target.putByte(at, (byte) width);
      target.putShort(at + EXPONENT_OFFSET, (short) exponent(shape), LITTLE_ENDIAN);
      writeNumbers(values, first + block, blockCount, shape, target, at + HEADER_BYTES);
      at += blockBytes(width, blockCount);
    }
    return at - index;
  }

  private static void writeNumbers(
      double[] values, int first, int count, int shape, MutableDirectBuffer target, int index) {
    int width = width(shape);
    double perUnit = perUnit(exponent(shape));
    switch (width) {
      case 0 -> {}
      case 2 -> {
        for (int i = 0; i < count; i++) {
          short integer = (short) (values[first + i] * perUnit);
          target.putShort(index + i * Short.BYTES, integer, LITTLE_ENDIAN);
        }
      }
      case 3 -> {
        for (int i = 0; i < count; i++) {
          int integer = (int) (values[first + i] * perUnit);
          target.putShort(index + i * 3, (short) integer, LITTLE_ENDIAN);
          target.putByte(index + i * 3 + Short.BYTES, (byte) (integer >> Short.SIZE));
        }
      }
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
      default -> {
        for (int i = 0; i < count; i++) {
          long integer = (long) (values[first + i] * perUnit);
          for (int b = 0; b < width; b++) {
            target.putByte(index + i * width + b, (byte) (integer >> (8 * b)));
          }
        }
      }
    }
  }

  /** Adds {@code count} written numbers to {@code sums[0, count)}. */
  static void addTo(double[] sums, int count, DirectBuffer source, int index) {
    int at = index;
    for (int block = 0; block < count; block += ELEMENTS) {
      int blockCount = Math.min(ELEMENTS, count - block);
      int width = source.getByte(at);
      double unit = Math.scalb(1.0, source.getShort(at + EXPONENT_OFFSET, LITTLE_ENDIAN));
      addNumbers(sums, block, blockCount, source, at + HEADER_BYTES, width, unit);
      at += blockBytes(width, blockCount);
    }
  }

  private static void addNumbers(
      double[] sums, int first, int count, DirectBuffer source, int index, int width, double unit) {
    switch (width) {
      case 0 -> {
        for (int i = 0; i < count; i++) {
          sums[first + i] += 0; // a zero has a sign
        }
      }
      case 2 -> {
        for (int i = 0; i < count; i++) {
          sums[first + i] += source.getShort(index + i * Short.BYTES, LITTLE_ENDIAN) * unit;
        }
      }
      case 3 -> {
        for (int i = 0; i < count; i++) {
          int low = source.getShort(index + i * 3, LITTLE_ENDIAN) & 0xFFFF;
          int high = source.getByte(index + i * 3 + Short.BYTES); // with the sign
          sums[first + i] += (high << Short.SIZE | low) * unit;
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          sums[first + i] += source.getDouble(index + i * Double.BYTES, LITTLE_ENDIAN);
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          sums[first + i] += source.getFloat(index + i * Float.BYTES, LITTLE_ENDIAN);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          int at = index + i * width;
          long integer = source.getByte(at + width - 1); // with the sign
          for (int b = width - 2; b >= 0; b--) {
            integer = integer << 8 | (source.getByte(at + b) & 0xFF);
          }
          sums[first + i] += integer * unit;
        }
      }
    }
  }

  /** Whether exactly {@code count} numbers were written to {@code lengthBytes}. */
  static boolean isValid(DirectBuffer source, int index, int lengthBytes, int count) {
    int at = 0;
    for (int block = 0; block < count; block += ELEMENTS) {
      if (at + HEADER_BYTES > lengthBytes) {
        return false;
      }
      int width = source.getByte(index + at);
      if (width < 0 || width > F32) {
        return false;
      }
      at += blockBytes(width, Math.min(ELEMENTS, count - block));
    }
    return at == lengthBytes;
  }

  private static int blockBytes(int width, int count) {
    return HEADER_BYTES + bytesOf(width) * count;
  }

  private static int bytesOf(int width) {
    return width == F32 ? Float.BYTES : width;
  }

  /**
   * The width of a block's numbers and, above it, the exponent.
   *
   * @param before that of the block before: neighbours are mostly multiples of the same power
   */
  private static int shape(double[] values, int first, int count, int before) {
    int width = width(before);
    if (width > 0 && width < Float.BYTES) {
      int shape = shapeOfMultiples(values, first, count, exponent(before));
      if (shape != 0) {
        return shape;
      }
    }
    return shape(values, first, count);
  }

  /** {@link #shape} where that is so; 0 where it is not, or must be looked at more closely. */
  private static int shapeOfMultiples(double[] values, int first, int count, int exponent) {
    double perUnit = perUnit(exponent);
    boolean multiples = true;
    int magnitudes = 0;
    long zeros = 0;
    for (int i = first; i < first + count; i++) {
      double scaled = values[i] * perUnit;
      int integer = (int) scaled;
      multiples &= integer == scaled;
      magnitudes |= Math.abs(integer);
      zeros |= integer == 0 ? Double.doubleToRawLongBits(values[i]) : 0; // -0.0, or an underflow
    }
    int width = integerBytes(Integer.SIZE - Integer.numberOfLeadingZeros(magnitudes));
    boolean odd = (magnitudes & 1) != 0; // one that is no multiple of a larger unit
    return multiples && odd && zeros == 0 && width < Float.BYTES ? exponent << 8 | width : 0;
  }

  private static int shape(double[] values, int first, int count) {
    int lowest = Integer.MAX_VALUE; // exponent of the lowest bit that is set in any
    int highest = Integer.MIN_VALUE;
    boolean integers = true;
    for (int i = first; i < first + count; i++) {
      long bits = Double.doubleToRawLongBits(values[i]);
      if (bits == 0) {
        continue;
      }
      int exponent = (int) (bits >>> MANTISSA_BITS) & EXPONENT_MASK;
      integers &= exponent != 0 && exponent != EXPONENT_MASK; // -0.0, subnormals, NaN, infinity
      int unit = exponent - Double.MAX_EXPONENT - MANTISSA_BITS;
      lowest = Math.min(lowest, unit + Long.numberOfTrailingZeros(bits | 1L << MANTISSA_BITS));
      highest = Math.max(highest, unit + MANTISSA_BITS);
    }
    if (lowest == Integer.MAX_VALUE) {
      return 0;
    }
    int width = integerBytes(highest - lowest + 1);
    integers &= lowest >= EXPONENT_MIN && width <= INTEGER_BYTES_MAX;
    if (!(integers && width < Float.BYTES) && areFloats(values, first, count)) {
      return F32;
    }
    return integers ? lowest << 8 | width : F64;
  }

  private static boolean areFloats(double[] values, int first, int count) {
    for (int i = first; i < first + count; i++) {
      if ((float) values[i] != values[i]) {
        return false;
      }
    }
    return true;
  }

  private static int integerBytes(int magnitudeBits) {
    return Math.ceilDiv(magnitudeBits + 1, Byte.SIZE); // with a sign
  }

  private static double perUnit(int exponent) {
    return Math.scalb(1.0, -exponent);
  }

  private static int width(int shape) {
    return shape & 0xFF;
  }

  private static int exponent(int shape) {
    return shape >> 8;
  }
}
