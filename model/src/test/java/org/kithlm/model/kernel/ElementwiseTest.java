package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels on activations against their formulas. */
class ElementwiseTest {
  private static float[] random(int length, float size, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = size * (float) random.nextGaussian();
    }
    return values;
  }

  private static void assertRelative(
      double expected, double actual, double tolerance, String what) {
    assertEquals(expected, actual, Math.max(Math.abs(expected), 1e-30) * tolerance, what);
  }

  @Test
  void exponentialShouldBeWithinTwoUnits() {
    float[] lanes = new float[Lanes.COUNT];
    for (float x = -87; x < 88; x += 0.00917f) {
      float actual = Exponential.exp(x);
      assertRelative(Math.exp(x), actual, 2 * 0x1p-23, "x=" + x);
      Exponential.exp(FloatVector.broadcast(Lanes.FLOATS, x)).intoArray(lanes, 0);
      assertEquals(actual, lanes[Lanes.COUNT - 1], 0, "x=" + x);
    }
  }

  @Test
  void exponentialShouldSaturateAndKeepNaN() {
    for (float x : new float[] {-88, -1e30f, Float.NEGATIVE_INFINITY}) {
      assertTrue(Exponential.exp(x) > 0 && Exponential.exp(x) < 2e-38f, "x=" + x);
    }
    for (float x : new float[] {89, 1e30f, Float.POSITIVE_INFINITY}) {
      assertTrue(Exponential.exp(x) > 1e38f && Float.isFinite(Exponential.exp(x)), "x=" + x);
    }
    assertTrue(Float.isNaN(Exponential.exp(Float.NaN)));
    assertEquals(1, Exponential.exp(0f), 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 31, 33, 1025})
  void activationsShouldFollowTheFormulas(int length) {
    for (float size : new float[] {1e-20f, 0.1f, 1, 10, 1000}) {
      float[] x = random(length, size, length);
      float[] up = random(length, 1, length + 1);
      float[] silu = x.clone();
      GatedActivation.silu(silu, up, length);
      float[] gelu = x.clone();
      GatedActivation.geluTanh(gelu, up, length);
      for (int i = 0; i < length; i++) {
        double tolerance = 1e-6 * Math.abs(x[i] * up[i]) + 1e-30;
        String what = "x=" + x[i] + " up=" + up[i];
        assertEquals(Formulas.silu(x[i]) * up[i], silu[i], tolerance, what);
        assertEquals(Formulas.geluTanh(x[i]) * up[i], gelu[i], tolerance, what);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 13, 31, 33, 1025})
  void rmsNormShouldFollowTheFormula(int length) {
    for (float size : new float[] {1e-4f, 1, 1e15f}) {
      float[] x = random(length, size, length);
      float[] weight = random(length, 1, length + 1);
      float[] expected = Formulas.rmsNorm(x, weight, 1e-6f);
      float[] padded = new float[length + 2];
      System.arraycopy(x, 0, padded, 2, length);
      RmsNorm.normalize(padded, 2, weight, 1e-6f, padded, 2, length);
      for (int i = 0; i < length; i++) {
        assertRelative(expected[i], padded[2 + i], 4e-7, "i=" + i + " size=" + size);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void ropeShouldFollowTheFormula(boolean halfSplit) {
    int headDim = 20;
    int dimensions = 14;
    float[] divisors = {1, 1, 2, 3, 4, 8, 8};
    float scale = 0.25f;
    int count = 3;
    RotaryEmbedding rope =
        new RotaryEmbedding(dimensions, 10_000, scale, divisors, halfSplit, count);
    for (int first : new int[] {0, 5, 30_000}) {
      rope.prepare(first, count, 0);
      for (int index = 0; index < count; index++) {
        float[] head = random(headDim + 3, 1, first + index);
        float[] expected = head.clone();
        double position = (double) scale * (first + index);
        Formulas.rotate(expected, 3, dimensions, position, 10_000, divisors, halfSplit);
        rope.rotate(head, 3, index);
        assertArrayEquals(expected, head, 1e-6f, "first=" + first + " index=" + index);
      }
    }
    assertThrows(
        IllegalArgumentException.class,
        () -> new RotaryEmbedding(dimensions, 10_000, scale, new float[3], halfSplit, count));
  }

  @Test
  void weightedRowsShouldFollowTheFormula() {
    int sums = WeightedRows.BLOCK;
    for (int columns : new int[] {32, 64, 160}) {
      for (int rows : new int[] {0, 1, 5, 64}) {
        int weightStride = rows + 2;
        int stride = columns + 3;
        int outStride = columns + 5;
        float[] weights = random(sums * weightStride + 1, 1, columns);
        float[] matrix = random(rows * stride, 1, rows);
        float[] out = new float[sums * outStride + 1];
        Arrays.fill(out, 1);
        WeightedRows.add(
            weights, 1, weightStride, rows, matrix, stride, out, 1, outStride, columns);
        for (int k = 0; k < sums; k++) {
          for (int j = 0; j < outStride; j++) {
            double expected = 1;
            for (int i = 0; i < rows && j < columns; i++) {
              double weight = weights[1 + k * weightStride + i];
              expected += weight * matrix[i * stride + j];
            }
            String what = columns + "x" + rows + " k=" + k + " j=" + j;
            assertEquals(expected, out[1 + k * outStride + j], 1e-5 * (rows + 1), what);
          }
        }
        assertEquals(1, out[0], 0);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64, 128})
  void softmaxOfABlockShouldFollowTheFormula(int length) {
    OnlineSoftmax softmax = new OnlineSoftmax(length);
    for (int highest = 0; highest < length; highest += 7) {
      float[] scores = random(length + 2, 5, length + highest);
      scores[1 + highest] = 30;
      float[] weights = scores.clone();
      float max = softmax.max(weights, 1);
      assertEquals(30, max, 0);
      softmax.exponentiate(weights, 1, max);
      double sum = 0;
      for (int i = 1; i <= length; i++) {
        assertRelative(Math.exp((double) scores[i] - max), weights[i], 1e-5, "i=" + i);
        sum += weights[i];
      }
      assertRelative(sum, softmax.sum(weights, 1), 1e-6, "length=" + length);
      assertEquals(scores[0], weights[0], 0);
      assertEquals(scores[length + 1], weights[length + 1], 0);
    }
  }

  @Test
  void maximumShouldBeNaNWhereAScoreIs() {
    OnlineSoftmax softmax = new OnlineSoftmax(32);
    for (int i = 0; i < 32; i++) {
      float[] scores = random(32, 1, i);
      scores[i] = Float.NaN;
      assertTrue(Float.isNaN(softmax.max(scores, 0)), "i=" + i);
    }
    assertThrows(IllegalArgumentException.class, () -> new OnlineSoftmax(48));
    assertThrows(IllegalArgumentException.class, () -> new OnlineSoftmax(16));
  }

  @Test
  void mergeShouldScaleWhatIsRelativeToTheLowerMaximum() {
    assertEquals(0, OnlineSoftmax.rescale(Float.NEGATIVE_INFINITY, 3), 0);
    assertEquals(1, OnlineSoftmax.rescale(3, 3), 0);
    assertRelative(Math.exp(-2), OnlineSoftmax.rescale(1, 3), 1e-6, "factor");
    float[] values = random(70, 1, 1);
    float[] others = random(70, 1, 2);
    float[] expected = values.clone();
    for (int i = 0; i < 64; i++) {
      expected[3 + i] = values[3 + i] * 0.25f + others[5 + i] * 0.75f;
    }
    OnlineSoftmax.merge(values, 3, 0.25f, others, 5, 0.75f, 64);
    assertArrayEquals(expected, values, 0);
  }

  @Test
  void halvesShouldKeepEveryValue() {
    int count = 1 << 16;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = arena.allocate(ValueLayout.JAVA_SHORT, count);
      for (int i = 0; i < count; i++) {
        halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
      }
      float[] floats = new float[count];
      HalfFloats.toFloats(halves, 0, floats, 0, count);
      MemorySegment back = arena.allocate(3L * Short.BYTES * count);
      HalfFloats.fromFloats(floats, 0, back, 2, 3L * Short.BYTES, count);
      for (int i = 0; i < count; i++) {
        assertEquals(Float.float16ToFloat((short) i), floats[i], 0, "bits=" + i);
        if (!Float.isNaN(floats[i])) {
          short bits = back.get(ValueLayout.JAVA_SHORT, 2 + 3L * Short.BYTES * i);
          assertEquals((short) i, bits, "bits=" + i);
        }
      }
    }
  }
}
