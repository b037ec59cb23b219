package org.kithlm.model.kernel;

/** Writes quantized activations in the form that a kernel wants; see {@link Activations}. */
final class ActivationFactors {
  private static final int PAIRS = Activations.BLOCK / 2;

  private ActivationFactors() {}

  /**
   * Writes the factors of some blocks of one token.
   *
   * @param pairs two activations each, {@code PAIRS} for each block
   * @param centre what is taken off weights of 4 bits
   * @param stride from one factor to the next in {@code out}
   */
  static void write(
      Payload payload,
      int centre,
      int[] pairs,
      int from,
      int[] out,
      int to,
      int blocks,
      int stride) {
    int blockLength = payload.pairsPerBlock() * stride;
    for (int block = 0; block < blocks; block++) {
      int p = from + block * PAIRS;
      int o = to + block * blockLength;
      switch (payload) {
        case NIBBLES -> nibbles(centre, pairs, p, out, o, stride);
        case FIVES -> fives(pairs, p, out, o, stride);
        case SIXES -> {
          sixes(pairs, p, out, o, stride);
          sixes(pairs, p + PAIRS / 2, out, o + blockLength / 2, stride);
        }
        case BYTES, FLOATS -> throw new AssertionError(payload);
      }
    }
  }

  private static void nibbles(int centre, int[] pairs, int p, int[] out, int o, int stride) {
    int sum = 0;
    for (int i = p; i < p + PAIRS; i += 4) {
      out[o] = pairs[i];
      out[o + stride] = difference(pairs[i + 1], pairs[i], 16);
      out[o + 2 * stride] = difference(pairs[i + 2], pairs[i + 1], 16);
      out[o + 3 * stride] = difference(pairs[i + 3], pairs[i + 2], 16);
      for (int k = 0; k < 4; k++) {
        sum = difference(sum, pairs[i + k], -1);
      }
      o += 4 * stride;
    }
    out[o] = difference(0, sum, centre);
  }

  /** Word k holds bit k of the 16th weight above three others. */
  private static void fives(int[] pairs, int p, int[] out, int o, int stride) {
    int last = pairs[p + 15];
    int sum = last;
    for (int word = 0; word < 5; word++) {
      int first = pairs[p + 3 * word];
      int second = pairs[p + 3 * word + 1];
      int third = pairs[p + 3 * word + 2];
      out[o] = first;
      out[o + stride] = difference(second, first, 32);
      out[o + 2 * stride] = difference(third, second, 32);
      out[o + 3 * stride] = difference(difference(0, last, -1 << word), third, 32);
      sum = difference(sum, first, -1);
      sum = difference(sum, second, -1);
      sum = difference(sum, third, -1);
      o += 4 * stride;
    }
    out[o] = difference(0, sum, 16);
  }

  /** The 7th and 8th weight lie in pieces above the others: 4 bits in two words, 2 and 2 in one. */
  private static void sixes(int[] pairs, int p, int[] out, int o, int stride) {
    int seventh = pairs[p + 6];
    int eighth = pairs[p + 7];
    out[o] = pairs[p];
    out[o + stride] = difference(pairs[p + 1], pairs[p], 64);
    out[o + 2 * stride] = difference(seventh, pairs[p + 1], 64);
    out[o + 3 * stride] = pairs[p + 2];
    out[o + 4 * stride] = difference(pairs[p + 3], pairs[p + 2], 64);
    out[o + 5 * stride] = difference(eighth, pairs[p + 3], 64);
    out[o + 6 * stride] = pairs[p + 4];
    out[o + 7 * stride] = difference(pairs[p + 5], pairs[p + 4], 64);
    out[o + 8 * stride] = difference(difference(0, seventh, -16), pairs[p + 5], 64);
    out[o + 9 * stride] = difference(difference(0, eighth, -16), seventh, 64);
    int sum = 0;
    for (int i = p; i < p + 8; i++) {
      sum = difference(sum, pairs[i], -1);
    }
    out[o + 10 * stride] = difference(0, sum, 32);
  }

  /** a - factor * b in each half, modulo 2^16. */
  private static int difference(int a, int b, int factor) {
    int low = a - b * factor;
    int high = (a >>> 16) - (b >>> 16) * factor;
    return (low & 0xFFFF) | (high << 16);
  }
}
