package org.kithlm.model.transformer;

/** A smooth bound on scores and logits (Gemma 2, arXiv 2408.00118). */
final class Softcap {
  private Softcap() {}

  /** {@code cap * tanh(value / cap)} in place over {@code [from, to)}. */
  static void apply(float[] values, int from, int to, float cap) {
    for (int i = from; i < to; i++) {
      values[i] = (float) (cap * Math.tanh(values[i] / cap));
    }
  }
}
