package org.kithlm.model.kernel;

import static jdk.incubator.vector.VectorOperators.ASHR;
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
import static org.kithlm.model.kernel.NativeWords.toFloats;

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

  private BlockScales() {}

  /** Fills scales and minima; a float type has its weights as scales. */
  static void fill(GgmlType type, Chunk chunk) {
    switch (type) {
      case F32 -> f32(chunk);
      case F16 -> scaleOnly(chunk);
      case BF16 -> bf16(chunk);
      case Q8_0 -> scaleOnly(chunk);
      case Q4_0, Q5_0 -> scaleAndNoMinimum(chunk);
      case Q4_1 -> scaleAndMinimum(chunk, 8);
      case Q5_1 -> scaleAndMinimum(chunk, 16);
      case Q4_K -> {
        packedScales(chunk);
        packedMinima(chunk, 8);
      }
      case Q5_K -> {
        packedScales(chunk);
        packedMinima(chunk, 16);
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
    scaleOnly(chunk);
    Arrays.fill(chunk.minima, 0, ROWS * chunk.blockCount(), 0);
  }

  /** d and m; q is stored as {@code q + offset}. */
  private static void scaleAndMinimum(Chunk chunk, float offset) {
    long at = chunk.address;
    for (int i = 0; i < ROWS * chunk.blockCount(); i += ROWS, at += chunk.blockBytes) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        FloatVector d = halves(at + 2L * lane);
        FloatVector m = halves(at + FIELD_BYTES + 2L * lane);
        d.intoArray(chunk.scales, i + lane);
        d.mul(offset).add(m).intoArray(chunk.minima, i + lane);
      }
    }
  }

  /** d times the 6-bit scales of 8 groups; the last 4 lie in pieces of 4 and 2 bits. */
  private static void packedScales(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        long at = chunk.address + (long) block * chunk.blockBytes;
        FloatVector d = halves(at + 2L * lane);
        IntVector scales = ints(at + 2 * FIELD_BYTES + 4L * lane);
        IntVector rest = ints(at + 2 * FIELD_BYTES + 2 * WORD_BYTES + 4L * lane);
        for (int k = 0; k < 4; k++) {
          int out = (8 * block + k) * ROWS + lane;
          IntVector first = scales.lanewise(LSHR, 8 * k).and(63);
          IntVector fifth = rest.lanewise(LSHR, 8 * k).and(15);
          fifth = fifth.or(scales.lanewise(LSHR, 8 * k + 2).and(48));
          d.mul(toFloats(first)).intoArray(chunk.scales, out);
          d.mul(toFloats(fifth)).intoArray(chunk.scales, out + 4 * ROWS);
        }
      }
    }
  }

  /** Minus dmin times the 6-bit minima of 8 groups, and some multiple of the group's scale. */
  private static void packedMinima(Chunk chunk, float offset) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        long at = chunk.address + (long) block * chunk.blockBytes;
        FloatVector dMin = halves(at + FIELD_BYTES + 2L * lane).neg();
        IntVector minima = ints(at + 2 * FIELD_BYTES + WORD_BYTES + 4L * lane);
        IntVector rest = ints(at + 2 * FIELD_BYTES + 2 * WORD_BYTES + 4L * lane);
        for (int k = 0; k < 4; k++) {
          int out = (8 * block + k) * ROWS + lane;
          IntVector first = minima.lanewise(LSHR, 8 * k).and(63);
          IntVector fifth = rest.lanewise(LSHR, 8 * k + 4).and(15);
          fifth = fifth.or(minima.lanewise(LSHR, 8 * k + 2).and(48));
          minimum(chunk, out, offset, dMin.mul(toFloats(first)));
          minimum(chunk, out + 4 * ROWS, offset, dMin.mul(toFloats(fifth)));
        }
      }
    }
  }

  private static void minimum(Chunk chunk, int at, float offset, FloatVector minimum) {
    FloatVector.fromArray(FLOATS, chunk.scales, at)
        .mul(offset)
        .add(minimum)
        .intoArray(chunk.minima, at);
  }

  /** d times 16 signed bytes. */
  private static void byteScales(Chunk chunk) {
    for (int block = 0; block < chunk.blockCount(); block++) {
      for (int lane = 0; lane < ROWS; lane += COUNT) {
        long at = chunk.address + (long) block * chunk.blockBytes;
        FloatVector d = halves(at + 2L * lane);
        for (int word = 0; word < 4; word++) {
          IntVector scales = ints(at + FIELD_BYTES + (long) WORD_BYTES * word + 4L * lane);
          for (int k = 0; k < 4; k++) {
            IntVector scale = scales.lanewise(LSHL, 24 - 8 * k).lanewise(ASHR, 24);
            d.mul(toFloats(scale))
                .intoArray(chunk.scales, (16 * block + 4 * word + k) * ROWS + lane);
          }
        }
      }
    }
  }
}
