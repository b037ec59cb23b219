package org.kithlm.transport.collective;

import java.util.stream.IntStream;

/** Sums where the partial sums are, which is what most tests look at. */
final class InPlace {
  private InPlace() {}

  static void sum(RootSession root, int layer, int block, float[] values, int length) {
    root.allreduce(layer, block, doubles(values), values, length);
  }

  static void sum(LeafSession leaf, int layer, int block, float[] values, int length) {
    leaf.allreduce(layer, block, doubles(values), values, length);
  }

  /** The same numbers in f64. */
  static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }
}
