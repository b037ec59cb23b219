package org.kithlm.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SumEncodingTest {
  private static final int[] COUNTS = {1, 7, 31, 32, 33, 64, 1025};
  private static final double[] EXTREMES = {
    0, -0.0, 1e-45, 1e-38, 1.2e-36, 1e30, -3e38, 1, -1, 65_504, 1e-9
  };

  private static double[] values(long seed, int count) {
    Random random = new Random(seed);
    double[] values = new double[count];
    double scale = EXTREMES[random.nextInt(EXTREMES.length)];
    for (int i = 0; i < count; i++) {
      values[i] = scale * (random.nextInt(20) == 0 ? 1 : random.nextGaussian() / 8);
    }
    return values;
  }

  private static UnsafeBuffer bufferFor(double[] values) {
    return new UnsafeBuffer(new byte[(values.length + 2) * (Double.BYTES + 1)]);
  }

  private static double[] travelled(SumEncoding encoding, double[] values) {
    UnsafeBuffer buffer = bufferFor(values);
    int lengthBytes = encoding.write(values, 0, values.length, buffer, 3, buffer.capacity());
    assertTrue(encoding.isValid(buffer, 3, lengthBytes, values.length));
    double[] sums = new double[values.length];
    Arrays.fill(sums, -0.0); // which leaves the sign of zeros alone
    encoding.addTo(sums, values.length, buffer, 3);
    return sums;
  }

  /** So that the rank that rounds its own and those that receive it hold the same bits. */
  @ParameterizedTest
  @EnumSource
  void shouldAddTheOwnTermsAsOthersReceiveThem(SumEncoding encoding) {
    for (int seed = 0; seed < 300; seed++) {
      double[] values = values(seed, COUNTS[seed % COUNTS.length]);
      double[] own = new double[values.length];
      Arrays.fill(own, -0.0);
      encoding.addTo(own, values, 0, values.length);
      assertArrayEquals(own, travelled(encoding, values), "seed=" + seed);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepSumsThatAreRoundedAlready(SumEncoding encoding) {
    for (int seed = 0; seed < 300; seed++) {
      double[] sums = values(seed, COUNTS[seed % COUNTS.length]);
      float[] held = new float[sums.length];
      encoding.round(sums, sums.length, held, 0);
      double[] widened = new double[held.length];
      for (int i = 0; i < held.length; i++) {
        widened[i] = held[i];
      }
      double[] received = travelled(encoding, widened);
      for (int i = 0; i < held.length; i++) {
        assertEquals(held[i], (float) received[i], "seed=" + seed + " i=" + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"EXACT, 0", "F32, 6e-8", "BF16, 4e-3", "Q8, 4.5e-3"})
  void shouldStayWithinItsPrecision(SumEncoding encoding, double ofLargest) {
    double worst = 0;
    for (int seed = 0; seed < 300; seed++) {
      Random random = new Random(seed);
      double[] values = random.doubles(32, -1, 1).toArray();
      double largest = 0;
      for (double value : values) {
        largest = Math.max(largest, Math.abs(value));
      }
      double[] received = travelled(encoding, values);
      for (int i = 0; i < values.length; i++) {
        worst = Math.max(worst, Math.abs(received[i] - values[i]) / largest);
      }
    }
    assertTrue(worst <= ofLargest && worst >= ofLargest / 2, encoding + ": " + worst);
  }

  @ParameterizedTest
  @CsvSource({"EXACT, 2048", "F32, 4096", "BF16, 2048", "Q8, 1088"})
  void shouldTakeItsBytes(SumEncoding encoding, int bytesOf1024) {
    assertEquals(bytesOf1024, encoding.typicalBytes(1024));
    assertEquals(1024, encoding.typicalIn(bytesOf1024));
    assertEquals(0, encoding.typicalIn(bytesOf1024 - 1) % encoding.blockElements());
    assertTrue(encoding.typicalIn(bytesOf1024 - 1) < 1024);
  }

  /** So many as fit, and no byte more or less than was told. */
  @ParameterizedTest
  @EnumSource
  void shouldFillWhatThereIs(SumEncoding encoding) {
    for (int seed = 0; seed < 300; seed++) {
      double[] values = values(seed, COUNTS[seed % COUNTS.length]);
      UnsafeBuffer buffer = bufferFor(values);
      int bytesMax = 300 + 7 * seed;
      int bytes = encoding.write(values, 0, values.length, buffer, 0, bytesMax);
      assertTrue(bytes <= bytesMax, "seed=" + seed);
      int count = encoding.countIn(buffer, 0, bytes, values.length);
      int all = buffer.capacity();
      assertEquals(bytes, encoding.write(values, 0, count, buffer, 0, all), "seed=" + seed);
      if (count < values.length) {
        assertTrue(count > 0 && count % encoding.blockElements() == 0, "seed=" + seed);
        int more = Math.min(count + encoding.blockElements(), values.length);
        assertTrue(encoding.write(values, 0, more, buffer, 0, all) > bytesMax, "seed=" + seed);
      }
    }
  }

  /** A kernel that went wrong must not look right. */
  @Test
  void shouldShowWhatIsNoNumber() {
    for (SumEncoding encoding : SumEncoding.values()) {
      for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
        double[] received = travelled(encoding, new double[] {1, wrong});
        assertTrue(!Double.isFinite(received[1]), encoding + ": " + received[1]);
      }
    }
  }
}
