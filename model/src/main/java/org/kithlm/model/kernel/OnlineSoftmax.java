package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * Softmax over scores that come block by block (Milakov and Gimelshein, arXiv 1805.02867): the
 * highest score so far and the sum of exponentials relative to it are kept, and what was added up
 * before is scaled down when a higher score appears.
 */
public final class OnlineSoftmax {
  private OnlineSoftmax() {}

  /** The highest of {@code scores[offset, offset + length)}, NaN if one is. */
  public static float max(float[] scores, int offset, int length) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = offset; i < offset + length; i++) {
      max = Math.max(max, scores[i]);
    }
    return max;
  }

  /**
   * Replaces each score by e^(score - max), in place.
   *
   * @return the sum of them, added in order
   */
  public static float exponentiate(float[] scores, int offset, int length, float max) {
    int body = FLOATS.loopBound(length);
    for (int i = offset; i < offset + body; i += COUNT) {
      Exponential.exp(FloatVector.fromArray(FLOATS, scores, i).sub(max)).intoArray(scores, i);
    }
    for (int i = offset + body; i < offset + length; i++) {
      scores[i] = Exponential.exp(scores[i] - max);
    }
    float sum = 0;
    for (int i = offset; i < offset + length; i++) {
      sum += scores[i];
    }
    return sum;
  }

  /** The factor on everything added up under an earlier, lower maximum; 0 where there was none. */
  public static float rescale(float oldMax, float newMax) {
    return oldMax == Float.NEGATIVE_INFINITY ? 0 : Exponential.exp(oldMax - newMax);
  }

  /** {@code values[offset, offset + length) *= factor}. */
  public static void scale(float[] values, int offset, int length, float factor) {
    for (int i = offset; i < offset + length; i++) {
      values[i] *= factor;
    }
  }
}
