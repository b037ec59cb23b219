package org.kithlm.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Numbers that arrive to the last bit, in as few bytes as those of a block allow. Partial sums are
 * multiples of a power of two that is coarse beside f64 (ADR 21), so most take two or less.
 *
 * <pre>
 *  0 byte   width of a number: 0 to 56 bits of a signed integer, 64 an f64, 65 an f32
 *  1 short  exponent of the power of two that the integers are multiples of
 *  3 up to {@value #ELEMENTS} numbers, little-endian, bit after bit, up to a whole byte
 * </pre>
 */
final class ExactBlocks {
  /** Numbers of a block; the last of a vector may have fewer. */
  static final int ELEMENTS = 32;

  private static final int HEADER_BYTES = 3;
  private static final int EXPONENT_OFFSET = 1;
  private static final int INTEGER_BITS_MAX = 56;
  private static final int F64 = 64;
  private static final int F32 = 65;

  // What a block usually takes, as measured on real models.
  private static final int TYPICAL_BYTES = 64;

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

  /**
   * Writes {@code values[first, first + countMax)} from {@code index}, or as many whole blocks of
   * them as fit into {@code bytesMax}; the result is their bytes.
   */
  static int write(
      double[] values,
      int first,
      int countMax,
      MutableDirectBuffer target,
      int index,
      int bytesMax) {
    int bytes = 0;
    int shape = 0;
    for (int block = 0; block < countMax; block += ELEMENTS) {
      int count = Math.min(ELEMENTS, countMax - block);
      shape = shape(values, first + block, count, shape);
      int width = width(shape);
      int blockBytes = blockBytes(width, count);
      if (bytes + blockBytes > bytesMax) {
        break;
      }
      int at = index + bytes;
      target.putByte(at, (byte) width);
      target.putShort(at + EXPONENT_OFFSET, (short) exponent(shape), LITTLE_ENDIAN);
      writeNumbers(values, first + block, count, shape, target, at + HEADER_BYTES);
      bytes += blockBytes;
    }
    return bytes;
  }

  /** How many numbers {@link #write} put into {@code lengthBytes}, {@code countMax} at most. */
  static int countIn(DirectBuffer source, int index, int lengthBytes, int countMax) {
    int count = 0;
    for (int at = 0; at < lengthBytes; ) {
      int blockCount = Math.min(ELEMENTS, countMax - count);
      at += blockBytes(source.getByte(index + at), blockCount);
      count += blockCount;
    }
    return count;
  }

  private static void writeNumbers(
      double[] values, int first, int count, int shape, MutableDirectBuffer target, int index) {
    int width = width(shape);
    switch (width) {
      case 0 -> {}
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
        if (width <= Integer.SIZE) {
          writeIntegers(values, first, count, width, perUnit(exponent(shape)), target, index);
        } else {
          int bytes = width / Byte.SIZE;
          writeLongs(values, first, count, bytes, perUnit(exponent(shape)), target, index);
        }
      }
    }
  }

  private static void writeIntegers(
      double[] values,
      int first,
      int count,
      int width,
      double perUnit,
      MutableDirectBuffer target,
      int index) {
    long mask = (1L << width) - 1;
    long bits = 0; // not written yet
    int held = 0; // how many
    int at = index;
    for (int i = first; i < first + count; i++) {
      bits |= ((long) (values[i] * perUnit) & mask) << held;
      held += width;
      if (held >= Integer.SIZE) {
        target.putInt(at, (int) bits, LITTLE_ENDIAN);
        at += Integer.BYTES;
        bits >>>= Integer.SIZE;
        held -= Integer.SIZE;
      }
    }
    for (; held > 0; held -= Byte.SIZE, bits >>>= Byte.SIZE) {
      target.putByte(at++, (byte) bits);
    }
  }

  /** Of more than 32 bits, byte after byte: these are rare. */
  private static void writeLongs(
      double[] values,
      int first,
      int count,
      int bytes,
      double perUnit,
      MutableDirectBuffer target,
      int index) {
    for (int i = 0; i < count; i++) {
      long integer = (long) (values[first + i] * perUnit);
      for (int b = 0; b < bytes; b++) {
        target.putByte(index + i * bytes + b, (byte) (integer >> (8 * b)));
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
        if (width <= Integer.SIZE) {
          addIntegers(sums, first, count, source, index, width, unit);
        } else {
          addLongs(sums, first, count, source, index, width / Byte.SIZE, unit);
        }
      }
    }
  }

  private static void addIntegers(
      double[] sums, int first, int count, DirectBuffer source, int index, int width, double unit) {
    int end = index + bytesOf(width, count);
    int unused = Long.SIZE - width;
    long bits = 0; // read, and not taken yet
    int held = 0; // how many
    int at = index;
    for (int i = first; i < first + count; i++) {
      if (held < width) {
        if (end - at >= Integer.BYTES) {
          bits |= (source.getInt(at, LITTLE_ENDIAN) & 0xFFFF_FFFFL) << held;
          at += Integer.BYTES;
          held += Integer.SIZE;
        } else {
          for (; at < end; at++, held += Byte.SIZE) {
            bits |= (source.getByte(at) & 0xFFL) << held;
          }
        }
      }
      sums[i] += (bits << unused >> unused) * unit;
      bits >>>= width;
      held -= width;
    }
  }

  private static void addLongs(
      double[] sums, int first, int count, DirectBuffer source, int index, int bytes, double unit) {
    for (int i = 0; i < count; i++) {
      int at = index + i * bytes;
      long integer = source.getByte(at + bytes - 1); // with the sign
      for (int b = bytes - 2; b >= 0; b--) {
        integer = integer << 8 | (source.getByte(at + b) & 0xFF);
      }
      sums[first + i] += integer * unit;
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
      if (!isWidth(width)) {
        return false;
      }
      at += blockBytes(width, Math.min(ELEMENTS, count - block));
    }
    return at == lengthBytes;
  }

  private static int blockBytes(int width, int count) {
    return HEADER_BYTES + bytesOf(width, count);
  }

  private static int bytesOf(int width, int count) {
    return width == F32 ? Float.BYTES * count : Math.ceilDiv(width * count, Byte.SIZE);
  }

  private static boolean isWidth(int width) {
    boolean wholeBytes = width % Byte.SIZE == 0; // as wide integers have
    boolean ofInteger =
        width >= 0 && width <= INTEGER_BITS_MAX && (wholeBytes || width <= Integer.SIZE);
    return ofInteger || width == F64 || width == F32;
  }

  /**
   * The width of a block's numbers and, above it, the exponent.
   *
   * @param before that of the block before: neighbours are mostly multiples of the same power
   */
  private static int shape(double[] values, int first, int count, int before) {
    int width = width(before);
    if (width > 0 && width < Integer.SIZE) {
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
    int width = Integer.SIZE - Integer.numberOfLeadingZeros(magnitudes) + 1; // with a sign
    boolean odd = (magnitudes & 1) != 0; // one that is no multiple of a larger unit
    return multiples && odd && zeros == 0 && width < Integer.SIZE ? exponent << 8 | width : 0;
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
    int width = highest - lowest + 1 + 1; // with a sign
    if (width > Integer.SIZE) {
      width = Math.ceilDiv(width, Byte.SIZE) * Byte.SIZE;
    }
    integers &= lowest >= EXPONENT_MIN && width <= INTEGER_BITS_MAX;
    if (!(integers && width < Integer.SIZE) && areFloats(values, first, count)) {
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
