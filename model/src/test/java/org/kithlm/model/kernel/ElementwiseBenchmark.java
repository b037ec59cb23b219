package org.kithlm.model.kernel;

import java.util.EnumSet;
import java.util.Random;
import org.kithlm.model.gguf.GgmlType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** What is done to the activations of one token between matrices. */
@SuppressWarnings("NullAway.Init") // JMH does that
public class ElementwiseBenchmark extends KernelBenchmark {
  private static final int HEAD_DIM = 64;

  /** Activations: hidden sizes of a small and a larger model, and the latter's feed-forward. */
  @Param({"576", "1536", "8960"})
  public int length;

  private float[] x;
  private float[] y;
  private float[] out;
  private RotaryEmbedding rope;
  private OnlineSoftmax softmax;
  private Activations activations;

  /** Makes random activations. */
  @Setup
  public void prepare() {
    Random random = new Random(1);
    x = new float[length];
    y = new float[length];
    out = new float[length];
    for (int i = 0; i < length; i++) {
      x[i] = (float) random.nextGaussian();
      y[i] = (float) random.nextGaussian();
    }
    rope = new RotaryEmbedding(HEAD_DIM, 10_000, 1, new float[0], true, 1);
    rope.prepare(100, 1, 0);
    softmax = new OnlineSoftmax(length);
    activations = new Activations(1, length, EnumSet.of(GgmlType.Q4_1, GgmlType.Q4_K));
  }

  /** RMSNorm. */
  @Benchmark
  public float[] rmsNorm() {
    RmsNorm.normalize(x, 0, y, 1e-5f, out, 0, length);
    return out;
  }

  /** Rotations of heads of 64 elements, computed before. */
  @Benchmark
  public float[] rotaryEmbedding() {
    for (int head = 0; head < length; head += HEAD_DIM) {
      rope.rotate(out, head, 0);
    }
    return out;
  }

  /** SiLU times the other half, on a copy. */
  @Benchmark
  public float[] siluGate() {
    System.arraycopy(x, 0, out, 0, length);
    GatedActivation.silu(out, y, length);
    return out;
  }

  /** GELU times the other half, on a copy. */
  @Benchmark
  public float[] geluGate() {
    System.arraycopy(x, 0, out, 0, length);
    GatedActivation.geluTanh(out, y, length);
    return out;
  }

  /** Softmax of as many scores, on a copy. */
  @Benchmark
  public float softmax() {
    System.arraycopy(x, 0, out, 0, length);
    softmax.exponentiate(out, 0, softmax.max(out, 0));
    return softmax.sum(out, 0);
  }

  /** Inputs quantized for matrices of 4-bit blocks: 9 bits. */
  @Benchmark
  public Activations quantizeForQ41() {
    activations.set(x, 1, length);
    activations.prepare(GgmlType.Q4_1);
    return activations;
  }

  /** The same for K-quants: 8 bits. */
  @Benchmark
  public Activations quantizeForQ4K() {
    activations.set(x, 1, length);
    activations.prepare(GgmlType.Q4_K);
    return activations;
  }
}
