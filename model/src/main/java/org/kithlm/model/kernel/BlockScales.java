package org.kithlm.model.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;
import static org.kithlm.model.kernel.NativeWords.FIELD_BYTES;
import static org.kithlm.model.kernel.NativeWords.WORD_BYTES;
import static org.kithlm.model.kernel.NativeWords.brainFloats;
import static org.kithlm.model.kernel.NativeWords.floats;
import static org.kithlm.model.kernel.NativeWords.halves;
import static org.kithlm.model.kernel.NativeWords.ints;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.weight.RowGroups;

/**
 * Computes the scales and minima of a chunk, so that types which store elements alike share a
 * kernel: a weight is {@code scale * q + minimum}, where q lies around 0. Formats as in {@link
 * ScalarDequantizer}.
 */
final class BlockScales {
  private static final int ROWS = RowGroups.ROWS;

  // In each byte of a word.
  private static final int SIX_BITS = 0x3F3F3F3F;
  private static final int FOUR_BITS = 0x0F0F0F0F;
  private static final int TWO_HIGH_BITS = 0x30303030;

  private BlockScales() {}

  /**
   * Tells the kernels that read f16 scales by themselves where minima are and what they are for.
   */
  static void layout(GgmlType type, Chunk chunk) {
    boolean hasMinima = type == GgmlType.Q4_1 || type == GgmlType.Q5_1;
    chunk.minimaOffset = hasMinima ? FIELD_BYTES : 0;
    chunk.minimaFactor = hasMinima ? 1 : 0;
    chunk.minimaScales = hasMinima ? (type == GgmlType.Q4_1 ? 8 : 16) : 0;
  }

  /** Whether the kernel for single tokens reads scales by itself, block by block. */
  static boolean areHalves(GgmlType type) {
    return switch (type) {
      case Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 -> true;
      case F32, F16, BF16, Q4_K, Q5_K, Q6_K -> false;
    };
  }

  /** Fills scales and minima; a float type has its weights as scales. */
  static void fill(GgmlType type, Chunk chunk) {
    switch (type) {
      case F32 -> f32(chunk);
      case F16 -> scaleOnly(chunk);
      case BF16 -> bf16(chunk);
      case Q8_0 -> scaleOnly(chunk);
      case Q4_0, Q5_0 -> scaleAndNoMinimum(chunk);
      case Q4_1, Q5_1 -> scaleAndMinimum(chunk);
      case Q4_K -> {
        packedScales(chunk);
        packedMinima(chunk);
      }
      case Q5_K -> {
        packedScales(chunk);
        packedMinima(chunk);
        raiseMinima(chunk, 16);
      }
      case Q6_K -> byteScales(chunk);
    }
  }

  private static void f32(Chunk chunk) {
    for (int i = 0; i < ROWS * chunk.blockCount(); i += COUNT) {
      floats(chunk.address + (long) Float.BYTES * i).intoArray(chunk.scales, i);
    }
  }

  private static void bf16(Chunk chunk) {
    for (int i = 0; i < ROWS * chunk.blockCount(); i += COUNT) {
      brainFloats(chunk.address + (long) Short.BYTES * i).intoArray(chunk.scales, i);
    }
  }

  /** d. */
  private static void scaleOnly(Chunk chunk) {
    long at = chunk.address;
    for (int i = 0; i < ROWS * chunk.blockCount(); i += ROWS, at += chunk.blockBytes) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        halves(at + 2L * lane).intoArray(chunk.scales, i + lane);
      }
    }
  }

  /** d, where others of the kernel have a minimum too. */
  private static void scaleAndNoMinimum(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      long at = chunk.blockAddress(block);
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        halves(at + 2L * lane).intoArray(chunk.scales, ROWS * block + lane);
      }
    }
    Arrays.fill(chunk.minima, 0, ROWS * chunk.blockCount(), 0);
  }

  /** d and m; q is stored as {@code q + chunk.minimaScales}. */
  private static void scaleAndMinimum(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      long at = chunk.blockAddress(block);
      int i = ROWS * block;
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        FloatVector d = halves(at + 2L * lane);
        FloatVector m = halves(at + FIELD_BYTES + 2L * lane);
        d.intoArray(chunk.scales, i + lane);
        d.mul(chunk.minimaScales).add(m).intoArray(chunk.minima, i + lane);
      }
    }
  }

  /** d times the 6-bit scales of 8 groups; the last 4 lie in pieces of 4 and 2 bits. */
  private static void packedScales(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      long at = chunk.blockAddress(block);
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        FloatVector d = halves(at + 2L * lane);
        IntVector scales = ints(at + 2 * FIELD_BYTES + 4L * lane);
        IntVector rest = ints(at + 2 * FIELD_BYTES + 2 * WORD_BYTES + 4L * lane);
        int out = 8 * block * ROWS + lane;
        IntVector first = scales.and(SIX_BITS);
        d.mul(first.and(0xFF).convertShape(I2F, FLOATS, 0)).intoArray(chunk.scales, out);
        d.mul(first.lanewise(LSHR, 8).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.scales, out + 1 * ROWS);
        d.mul(first.lanewise(LSHR, 16).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.scales, out + 2 * ROWS);
        d.mul(first.lanewise(LSHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.scales, out + 3 * ROWS);
        int next = out + 4 * ROWS;
        IntVector last = scales.lanewise(LSHR, 2).and(TWO_HIGH_BITS).or(rest.and(FOUR_BITS));
        d.mul(last.and(0xFF).convertShape(I2F, FLOATS, 0)).intoArray(chunk.scales, next);
        d.mul(last.lanewise(LSHR, 8).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.scales, next + 1 * ROWS);
        d.mul(last.lanewise(LSHR, 16).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.scales, next + 2 * ROWS);
        d.mul(last.lanewise(LSHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.scales, next + 3 * ROWS);
      }
    }
  }

  /** Minus dmin times the 6-bit minima of 8 groups. */
  private static void packedMinima(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      long at = chunk.blockAddress(block);
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        FloatVector d = halves(at + FIELD_BYTES + 2L * lane).neg();
        IntVector minima = ints(at + 2 * FIELD_BYTES + WORD_BYTES + 4L * lane);
        IntVector rest = ints(at + 2 * FIELD_BYTES + 2 * WORD_BYTES + 4L * lane);
        int out = 8 * block * ROWS + lane;
        IntVector first = minima.and(SIX_BITS);
        d.mul(first.and(0xFF).convertShape(I2F, FLOATS, 0)).intoArray(chunk.minima, out);
        d.mul(first.lanewise(LSHR, 8).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.minima, out + 1 * ROWS);
        d.mul(first.lanewise(LSHR, 16).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.minima, out + 2 * ROWS);
        d.mul(first.lanewise(LSHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.minima, out + 3 * ROWS);
        int next = out + 4 * ROWS;
        rest = rest.lanewise(LSHR, 4).and(FOUR_BITS);
        IntVector last = minima.lanewise(LSHR, 2).and(TWO_HIGH_BITS).or(rest);
        d.mul(last.and(0xFF).convertShape(I2F, FLOATS, 0)).intoArray(chunk.minima, next);
        d.mul(last.lanewise(LSHR, 8).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.minima, next + 1 * ROWS);
        d.mul(last.lanewise(LSHR, 16).and(0xFF).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.minima, next + 2 * ROWS);
        d.mul(last.lanewise(LSHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(chunk.minima, next + 3 * ROWS);
      }
    }
  }

  /** As q lies around 0, a minimum grows by a multiple of the scale. */
  private static void raiseMinima(Chunk chunk, float multiple) {
    for (int i = 0; i < chunk.blockCount() * chunk.subBlocks * ROWS; i += COUNT) {
      FloatVector.fromArray(FLOATS, chunk.scales, i)
          .mul(multiple)
          .add(FloatVector.fromArray(FLOATS, chunk.minima, i))
          .intoArray(chunk.minima, i);
    }
  }

  /** d times 16 signed bytes. */
  private static void byteScales(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      long at = chunk.blockAddress(block);
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        FloatVector d = halves(at + 2L * lane);
        for (int word = 0; word < 4; word++) {
          IntVector scales = ints(at + FIELD_BYTES + (long) WORD_BYTES * word + 4L * lane);
          int out = (16 * block + 4 * word) * ROWS + lane;
          d.mul(scales.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
              .intoArray(chunk.scales, out);
          d.mul(scales.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
              .intoArray(chunk.scales, out + ROWS);
          d.mul(scales.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
              .intoArray(chunk.scales, out + 2 * ROWS);
          d.mul(scales.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
              .intoArray(chunk.scales, out + 3 * ROWS);
        }
      }
    }
  }
}
