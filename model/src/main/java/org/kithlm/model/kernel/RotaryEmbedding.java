package org.kithlm.model.kernel;

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

  /** Computes the angles of {@code count} positions from {@code firstPosition} on. */
  public void prepare(int firstPosition, int count) {
    for (int p = 0; p < count; p++) {
      for (int i = 0; i < frequencies.length; i++) {
        double angle = (firstPosition + p) * frequencies[i];
        cos[p * frequencies.length + i] = (float) Math.cos(angle);
        sin[p * frequencies.length + i] = (float) Math.sin(angle);
      }
    }
  }

  /**
   * Rotates one head in place.
   *
   * @param index of the position within the prepared batch
   */
  public void rotate(float[] head, int offset, int index) {
    int pairs = frequencies.length;
    int angles = index * pairs;
    int step = halfSplit ? 1 : 2;
    int partner = halfSplit ? pairs : 1;
    for (int i = 0; i < pairs; i++) {
      int at = offset + i * step;
      float a = head[at];
      float b = head[at + partner];
      float c = cos[angles + i];
      float s = sin[angles + i];
      head[at] = a * c - b * s;
      head[at + partner] = a * s + b * c;
    }
  }
}
