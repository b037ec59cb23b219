package org.kithlm.model.weight;

import java.util.ArrayList;
import java.util.List;
import org.kithlm.model.gguf.GgmlType;

/**
 * A run of bits that lies together both in a GGUF block and in the payload words of {@link
 * RowGroups}.
 *
 * @param blockByte byte in the GGUF block
 * @param blockShift lowest bit in it
 * @param word payload word
 * @param wordShift lowest bit in it
 * @param mask as many ones as there are bits
 */
record BitMove(int blockByte, int blockShift, int word, int wordShift, int mask) {

  /** All bits of a type's quantized elements; empty for types that are not quantized. */
  static List<BitMove> of(GgmlType type) {
    int bits = PayloadBits.of(type);
    List<BitMove> moves = new ArrayList<>();
    for (int element = 0; bits > 0 && element < type.blockLength(); element++) {
      for (int bit = 0; bit < bits; ) {
        int from = blockBit(type, element, bit);
        int to = PayloadBits.position(bits, element, bit);
        int length = 1;
        while (bit + length < bits
            && (from + length) % 8 != 0
            && blockBit(type, element, bit + length) == from + length
            && PayloadBits.position(bits, element, bit + length) == to + length) {
          length++;
        }
        moves.add(new BitMove(from / 8, from % 8, to / 32, to % 32, (1 << length) - 1));
        bit += length;
      }
    }
    return List.copyOf(moves);
  }

  /** Where a bit of an element lies in a block of ggml (ggml-common.h), counted in bits. */
  private static int blockBit(GgmlType type, int element, int bit) {
    int group = element / 32;
    int j = element % 32;
    boolean low = bit < 4;
    int nibble = 8 * (j % 16) + 4 * (j / 16) + bit;
    int groupNibble = 8 * (32 * (group / 2) + j) + 4 * (group % 2) + bit;
    return switch (type) {
      case Q4_0 -> 8 * 2 + nibble;
      case Q4_1 -> 8 * 4 + nibble;
      case Q5_0 -> low ? 8 * 6 + nibble : 8 * 2 + j;
      case Q5_1 -> low ? 8 * 8 + nibble : 8 * 4 + j;
      case Q8_0 -> 8 * (2 + j) + bit;
      case Q4_K -> 8 * 16 + groupNibble;
      case Q5_K -> low ? 8 * 48 + groupNibble : 8 * (16 + j) + group;
      case Q6_K -> {
        int half = group / 4;
        int quarter = group % 4;
        yield low
            ? 8 * (64 * half + 32 * (quarter % 2) + j) + 4 * (quarter / 2) + bit
            : 8 * (128 + 32 * half + j) + 2 * quarter + bit - 4;
      }
      case F32, F16, BF16 -> throw new AssertionError(type);
    };
  }
}
