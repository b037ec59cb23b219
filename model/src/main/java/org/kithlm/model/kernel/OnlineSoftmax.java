package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Softmax over scores that come block by block (Milakov and Gimelshein, arXiv 1805.02867): each
 * block has its highest score and the sum of exponentials relative to it, and what was added up
 * relative to a lower score is scaled down when blocks are merged.
 *
 * <p>Sums are taken by adding the upper half of a block onto the lower, and so on, which is one
 * order for all vector widths. One instance belongs to one thread.
 */
public final class OnlineSoftmax {
  /** Half of the widest vectors' lanes: what is left is added one by one. */
  private static final int SHORT_LENGTH = 16;

  private final float[] halves;
  private final int length;

  /**
   * @param length scores of a block, a power of two of at least 32
   */
  public OnlineSoftmax(int length) {
    if (length < 2 * SHORT_LENGTH || Integer.bitCount(length) != 1) {
      throw new IllegalArgumentException("length=" + length + " is not a power of two from 32 up");
    }
    this.length = length;
    halves = new float[length / 2];
  }

  /** The highest score of a block, NaN if one is. */
  public float max(float[] scores, int offset) {
    FloatVector max0 = load(scores, offset);
    FloatVector max1 = load(scores, offset + COUNT);
    for (int i = offset + 2 * COUNT; i < offset + length; i += 2 * COUNT) {
      max0 = max0.max(load(scores, i));
      max1 = max1.max(load(scores, i + COUNT));
    }
    return max0.max(max1).reduceLanes(VectorOperators.MAX); // the same in any order
  }

  /** Replaces each score of a block by e^(score - max). */
  public void exponentiate(float[] scores, int offset, float max) {
    for (int i = offset; i < offset + length; i += COUNT) {
      Exponential.exp(load(scores, i).sub(max)).intoArray(scores, i);
    }
  }

  /** The sum of a block. */
  public float sum(float[] scores, int offset) {
    int half = length / 2;
    for (int i = 0; i < half; i += COUNT) {
      load(scores, offset + i).add(load(scores, offset + half + i)).intoArray(halves, i);
    }
    for (half /= 2; half >= SHORT_LENGTH; half /= 2) {
      for (int i = 0; i < half; i += COUNT) {
        load(halves, i).add(load(halves, half + i)).intoArray(halves, i);
      }
    }
    for (; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        halves[i] += halves[half + i];
      }
    }
    return halves[0];
  }

  private static FloatVector load(float[] values, int offset) {
    return FloatVector.fromArray(FLOATS, values, offset);
  }

  /** The factor on what was added up relative to a maximum not above; 0 where there was nothing. */
  public static float rescale(float lowerMax, float max) {
    if (lowerMax == max) {
      return 1; // what the exponential gives, too
    }
    return lowerMax == Float.NEGATIVE_INFINITY ? 0 : Exponential.exp(lowerMax - max);
  }

  /**
   * Merges values that were added up relative to two maxima: {@code values[offset + i] =
   * values[offset + i] * factor + others[otherOffset + i] * otherFactor}.
   *
   * @param count a multiple of 32
   */
  public static void merge(
      float[] values,
      int offset,
      float factor,
      float[] others,
      int otherOffset,
      float otherFactor,
      int count) {
    for (int i = 0; i < count; i += COUNT) {
      FloatVector scaled = load(values, offset + i).mul(factor);
      scaled.add(load(others, otherOffset + i).mul(otherFactor)).intoArray(values, offset + i);
    }
  }

  /** {@code values[offset, offset + length) *= factor}. */
  public static void scale(float[] values, int offset, int length, float factor) {
    for (int i = offset; i < offset + length; i++) {
      values[i] *= factor;
    }
  }
}
