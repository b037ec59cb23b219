package org.kithlm.model.weight;

import org.kithlm.model.gguf.GgmlType;

/**
 * How quantized elements fill 32-bit words. The lower 16 bits of a word hold elements with even
 * index, the upper ones with odd index, so a word meets pairs of neighbouring activations. Each
 * half is filled from its low end, so that a kernel gets at field {@code k} by shifts alone:
 *
 * <pre>
 * 4 bits: 4 words for 32 elements, each half 4 fields
 * 5 bits: 5 words for 32 elements, each half 3 fields and one bit of the 16th element
 * 6 bits: 3 words for 16 elements, each half 2 fields, then 4 bits: the low 4 bits of the 7th and
 *         of the 8th element, and in the third word the high 2 bits of both
 * 8 bits: 8 words for 32 elements, each half 2 fields
 * </pre>
 */
final class PayloadBits {
  private PayloadBits() {}

  /** Bits of a quantized element; 0 for types that are not quantized. */
  static int of(GgmlType type) {
    return switch (type) {
      case Q4_0, Q4_1, Q4_K -> 4;
      case Q5_0, Q5_1, Q5_K -> 5;
      case Q6_K -> 6;
      case Q8_0 -> 8;
      case F32, F16, BF16 -> 0;
    };
  }

  /** Where a bit of an element lies, counted in bits from the start of the first word. */
  static int position(int bits, int element, int bit) {
    int index = element % 32 / 2; // among those of its half of the word
    int inHalf =
        switch (bits) {
          case 4, 8 -> 32 * (index * bits / 16) + index * bits % 16 + bit;
          case 5 -> index < 15 ? 32 * (index / 3) + index % 3 * 5 + bit : 32 * bit + 15;
          case 6 -> {
            int sixteenth = element % 32 / 16 * 3 * 32;
            int i = index % 8;
            if (i < 6) {
              yield sixteenth + 32 * (i / 2) + i % 2 * 6 + bit;
            }
            yield sixteenth + (bit < 4 ? 32 * (i - 6) + 12 + bit : 64 + 12 + 2 * (i - 6) + bit - 4);
          }
          default -> throw new AssertionError(bits);
        };
    return element / 32 * 32 * bits + 16 * (element % 2) + inHalf;
  }
}
