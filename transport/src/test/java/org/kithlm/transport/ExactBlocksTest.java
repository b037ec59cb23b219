package org.kithlm.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExactBlocksTest {
  private static final int INDEX = 5;

  private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[4096]);

  private static int write(double[] values, int first, int count, UnsafeBuffer target, int index) {
    return ExactBlocks.write(values, first, count, target, index, target.capacity() - index);
  }

  private double[] travelled(double[] values) {
    write(values, 0, values.length, buffer, INDEX);
    double[] sums = new double[values.length];
    Arrays.fill(sums, -0.0); // which leaves the sign of zeros alone
    ExactBlocks.addTo(sums, values.length, buffer, INDEX);
    return sums;
  }

  /** Three bytes of header, then as many bits for each of 32 numbers as the largest takes. */
  @ParameterizedTest
  @CsvSource({
    "0, 3",
    "127, 35",
    "-128, 39",
    "32767, 67",
    "-32767, 67",
    "32768, 71",
    "8388607, 99",
    "8388608, 103",
    "1073741823, 127"
  })
  void shouldTakeAsManyBitsAsTheLargestInteger(int largest, int bytes) {
    for (int exponent : new int[] {-900, -70, 0, 70, 900}) {
      double[] values = new double[32];
      values[3] = Math.scalb((double) largest, exponent);
      values[9] = largest == 0 ? 0 : Math.scalb(1.0, exponent);
      assertEquals(bytes, write(values, 0, 32, buffer, INDEX), "exponent=" + exponent);
      assertArrayEquals(values, travelled(values));
    }
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        -0.0,
        Double.MIN_VALUE,
        Float.MIN_VALUE,
        Double.MAX_VALUE,
        1e-305,
        0.1
      })
  void shouldKeepWhatIsNoMultipleOfAUsefulUnit(double value) {
    double[] values = {1, value, 3};
    assertArrayEquals(values, travelled(values));
  }

  @Test
  void shouldKeepEachBitOfAnyNumbers() {
    Random random = new Random(3);
    for (int round = 0; round < 2000; round++) {
      double[] values = new double[1 + random.nextInt(100)];
      int mantissaBits = random.nextInt(53);
      int spread = random.nextInt(60);
      for (int i = 0; i < values.length; i++) {
        double mantissa = Math.rint(random.nextGaussian() * (1L << mantissaBits));
        values[i] = Math.scalb(mantissa, -random.nextInt(spread + 1));
      }
      assertArrayEquals(values, travelled(values), "round " + round);
      int lengthBytes = write(values, 0, values.length, buffer, INDEX);
      assertTrue(ExactBlocks.isValid(buffer, INDEX, lengthBytes, values.length));
      assertFalse(ExactBlocks.isValid(buffer, INDEX, lengthBytes - 1, values.length));
      assertFalse(ExactBlocks.isValid(buffer, INDEX, lengthBytes + 1, values.length));
    }
  }

  /** A block is written as alone, though its shape is looked for where that of the last one was. */
  @Test
  void shouldWriteABlockAsIfNoneWereBefore() {
    Random random = new Random(5);
    UnsafeBuffer alone = new UnsafeBuffer(new byte[4096]);
    for (int round = 0; round < 2000; round++) {
      double[] values = new double[32 * 6 + 5];
      int exponent = random.nextInt(-300, 300);
      for (int block = 0; block < values.length; block += 32) {
        fill(values, block, exponent + random.nextInt(-1, 2) * random.nextInt(2), random);
      }
      int lengthBytes = write(values, 0, values.length, buffer, 0);
      int at = 0;
      for (int block = 0; block < values.length; block += 32) {
        int count = Math.min(32, values.length - block);
        at += write(values, block, count, alone, at);
      }
      assertEquals(at, lengthBytes, "round " + round);
      for (int i = 0; i < at; i++) {
        assertEquals(alone.getByte(i), buffer.getByte(i), "round " + round + " byte " + i);
      }
      assertEquals(values.length, ExactBlocks.countIn(buffer, 0, at, values.length));
      int fewer = ExactBlocks.write(values, 0, values.length, alone, 0, at - 1);
      assertEquals(32 * 6, ExactBlocks.countIn(alone, 0, fewer, values.length));
    }
  }

  /** A block of multiples of a power of two, now and then with a number that is none. */
  private static void fill(double[] values, int block, int exponent, Random random) {
    int bits = random.nextInt(1, 30);
    int end = Math.min(block + 32, values.length);
    for (int i = block; i < end; i++) {
      values[i] = Math.scalb(Math.rint(random.nextGaussian() * (1 << bits) / 4) + 0.0, exponent);
    }
    switch (random.nextInt(8)) {
      case 0 -> values[block] = -0.0;
      case 1 -> values[block + 1] = Math.scalb(0.3, exponent);
      case 2 -> values[block + 2] = Double.MIN_VALUE;
      case 3 -> values[block + 3] = Double.NaN;
      case 4 -> Arrays.fill(values, block, end, 0);
      case 5 -> values[block + 4] = Math.scalb(-(double) (1L << 31), exponent);
      default -> {}
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 33, 57, 66, 127})
  void shouldRefuseAWidthThatThereIsNot(int width) {
    write(new double[32], 0, 32, buffer, INDEX);
    assertTrue(ExactBlocks.isValid(buffer, INDEX, 3, 32));
    buffer.putByte(INDEX, (byte) width);
    assertFalse(ExactBlocks.isValid(buffer, INDEX, 3 + 32 * Math.max(0, width), 32));
  }
}
