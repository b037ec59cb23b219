package org.kithlm.model.kernel;

import org.kithlm.model.gguf.GgmlType;

/** The scalar twins of the kernels: the formulas, in double precision, with no thought of speed. */
public final class Formulas {
  private Formulas() {}

  /** Sum of products. */
  public static double dot(float[] a, int aOffset, float[] b, int bOffset, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += (double) a[aOffset + i] * b[bOffset + i];
    }
    return sum;
  }

  /** Sum of the products' magnitudes, which rounding errors are in proportion to. */
  public static double dotOfMagnitudes(float[] a, int aOffset, float[] b, int bOffset, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += Math.abs((double) a[aOffset + i] * b[bOffset + i]);
    }
    return sum;
  }

  /**
   * Rounds the inputs of a matrix as its kernel does: to parts of the largest of each block of 32.
   */
  public static void roundFor(GgmlType type, float[] x) {
    if (Payload.of(type).pairsPerBlock() == 0) {
      return;
    }
    for (int block = 0; block < x.length; block += 32) {
      float largest = 0;
      for (int i = block; i < block + 32; i++) {
        largest = Math.max(largest, Math.abs(x[i]));
      }
      float step = largest < 0x1p-110f ? 0 : largest / Activations.stepsMax(type);
      for (int i = block; i < block + 32; i++) {
        x[i] = step == 0 ? 0 : step * (float) Math.rint(x[i] * (1 / step));
      }
    }
  }

  /** x / sqrt(mean(x^2) + epsilon) * weight. */
  public static float[] rmsNorm(float[] x, float[] weight, double epsilon) {
    double meanSquare = dot(x, 0, x, 0, x.length) / x.length;
    float[] out = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] = (float) (x[i] / Math.sqrt(meanSquare + epsilon) * weight[i]);
    }
    return out;
  }

  /** Rotates pair i by position * base^(-2i/dimensions) / divisor. */
  public static void rotate(
      float[] head,
      int offset,
      int dimensions,
      double position,
      double base,
      float[] divisors,
      boolean halfSplit) {
    for (int i = 0; i < dimensions / 2; i++) {
      double divisor = divisors.length == 0 ? 1 : divisors[i];
      double angle = position * Math.pow(base, -2.0 * i / dimensions) / divisor;
      int first = offset + (halfSplit ? i : 2 * i);
      int second = offset + (halfSplit ? i + dimensions / 2 : 2 * i + 1);
      double a = head[first];
      double b = head[second];
      head[first] = (float) (a * Math.cos(angle) - b * Math.sin(angle));
      head[second] = (float) (a * Math.sin(angle) + b * Math.cos(angle));
    }
  }

  /** e^x / sum of e^x. */
  public static double[] softmax(double[] x) {
    double max = Double.NEGATIVE_INFINITY;
    for (double v : x) {
      max = Math.max(max, v);
    }
    double sum = 0;
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] = Math.exp(x[i] - max);
      sum += out[i];
    }
    for (int i = 0; i < x.length; i++) {
      out[i] /= sum;
    }
    return out;
  }

  /** x * sigmoid(x). */
  public static double silu(double x) {
    return x / (1 + Math.exp(-x));
  }

  /** GELU, tanh approximation. */
  public static double geluTanh(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }
}
