package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;

/**
 * Rotary position embedding (RoFormer, arXiv 2104.09864): pair i of a head is rotated by position *
 * base^(-2i/dimensions). The sines and cosines of a batch of positions are computed once and used
 * by all heads of all layers of the same base. One instance belongs to one thread.
 */
public final class RotaryEmbedding {
  private final double[] frequencies;
  private final boolean halfSplit;
  private final float[] cos;
  private final float[] sin;

  /**
   * @param dimensions rotated elements at the start of a head, even
   * @param base of the frequencies
   * @param scale factor on positions
   * @param divisors of the frequencies, one per pair, or none
   * @param halfSplit whether element i pairs with i + dimensions/2, or 2i with 2i + 1
   * @param positionsMax positions in a batch
   */
  public RotaryEmbedding(
      int dimensions,
      float base,
      float scale,
      float[] divisors,
      boolean halfSplit,
      int positionsMax) {
    int pairs = dimensions / 2;
    if (divisors.length != 0 && divisors.length != pairs) {
      throw new IllegalArgumentException(
          "rope divisors: " + divisors.length + " for " + pairs + " pairs");
    }
    frequencies = new double[pairs];
    for (int i = 0; i < pairs; i++) {
      double divisor = divisors.length == 0 ? 1 : divisors[i];
      frequencies[i] = scale * Math.pow(base, -2.0 * i / dimensions) / divisor;
    }
    this.halfSplit = halfSplit;
    cos = new float[positionsMax * pairs];
    sin = new float[positionsMax * pairs];
  }

  /**
   * Computes the angles of {@code count} positions from {@code firstPosition} on.
   *
   * @param firstIndex of the first within the batch
   */
  public void prepare(int firstPosition, int count, int firstIndex) {
    for (int p = 0; p < count; p++) {
      int row = (firstIndex + p) * frequencies.length;
      for (int i = 0; i < frequencies.length; i++) {
        double angle = (firstPosition + p) * frequencies[i];
        cos[row + i] = (float) Math.cos(angle);
        sin[row + i] = (float) Math.sin(angle);
      }
    }
  }

  /**
   * Rotates one head in place.
   *
   * @param index of the position within the prepared batch
   */
  public void rotate(float[] head, int offset, int index) {
    int angles = index * frequencies.length;
    if (halfSplit) {
      rotateHalves(head, offset, angles);
    } else {
      rotateNeighbours(head, offset, angles);
    }
  }

  private void rotateHalves(float[] head, int offset, int angles) {
    int pairs = frequencies.length;
    int body = FLOATS.loopBound(pairs);
    for (int i = 0; i < body; i += COUNT) {
      FloatVector a = FloatVector.fromArray(FLOATS, head, offset + i);
      FloatVector b = FloatVector.fromArray(FLOATS, head, offset + pairs + i);
      FloatVector c = FloatVector.fromArray(FLOATS, cos, angles + i);
      FloatVector s = FloatVector.fromArray(FLOATS, sin, angles + i);
      a.mul(c).sub(b.mul(s)).intoArray(head, offset + i);
      a.mul(s).add(b.mul(c)).intoArray(head, offset + pairs + i);
    }
    for (int i = body; i < pairs; i++) {
      rotate(head, offset + i, offset + pairs + i, angles + i);
    }
  }

  private void rotateNeighbours(float[] head, int offset, int angles) {
    for (int i = 0; i < frequencies.length; i++) {
      rotate(head, offset + 2 * i, offset + 2 * i + 1, angles + i);
    }
  }

  private void rotate(float[] head, int first, int second, int angle) {
    float a = head[first];
    float b = head[second];
    head[first] = a * cos[angle] - b * sin[angle];
    head[second] = a * sin[angle] + b * cos[angle];
  }
}
