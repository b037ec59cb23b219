package org.kithlm.model.kernel;

import org.kithlm.model.gguf.GgmlType;

/** The ways in which weights are stored in words; each has a kernel and a form of activations. */
enum Payload {
  /** Not quantized; activations stay floats. */
  FLOATS(0),
  /** 4 bits. */
  NIBBLES(17),
  /** 5 bits. */
  FIVES(21),
  /** 6 bits. */
  SIXES(22),
  /** 8 bits; activations stay floats. */
  BYTES(0);

  private final int pairsPerBlock;

  Payload(int pairsPerBlock) {
    this.pairsPerBlock = pairsPerBlock;
  }

  /**
   * Pairs of 16-bit factors that a kernel wants for a block of 32 activations; 0 if it wants the
   * activations themselves.
   */
  int pairsPerBlock() {
    return pairsPerBlock;
  }

  static Payload of(GgmlType type) {
    return switch (type) {
      case F32, F16, BF16 -> FLOATS;
      case Q4_0, Q4_1, Q4_K -> NIBBLES;
      case Q5_0, Q5_1, Q5_K -> FIVES;
      case Q6_K -> SIXES;
      case Q8_0 -> BYTES;
    };
  }
}
