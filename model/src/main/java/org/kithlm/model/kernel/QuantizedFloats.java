package org.kithlm.model.kernel;

import static jdk.incubator.vector.VectorOperators.B2F;
import static org.kithlm.model.kernel.Lanes.COUNT;
import static org.kithlm.model.kernel.Lanes.FLOATS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Runs of floats as 8-bit integers, in blocks of at most {@value #BLOCK} that share an f32 step:
 * {@code x = step * q} with q from -127 to 127. Owned by nobody: all state is the caller's.
 */
public final class QuantizedFloats {
  /** Floats that share a step. */
  public static final int BLOCK = 32;

  private static final int LARGEST = 127;
  private static final ValueLayout.OfFloat STEP =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** As many bytes as there are lanes; of the smallest vector, where that has more. */
  private static final VectorSpecies<Byte> BYTES =
      VectorShape.forBitSize(Math.max(64, COUNT * Byte.SIZE)).withLanes(byte.class);

  private QuantizedFloats() {}

  /** Blocks of a run. */
  public static int blocks(int length) {
    return Math.ceilDiv(length, BLOCK);
  }

  /**
   * Rounds a block to nearest.
   *
   * @param length 1 to {@value #BLOCK}
   * @param strideBytes from one integer of {@code out} to the next
   * @return the step; 0 for zeros
   */
  public static float round(
      float[] in,
      int inOffset,
      int length,
      MemorySegment out,
      long outOffsetBytes,
      long strideBytes) {
    float largest = 0;
    for (int i = 0; i < length; i++) {
      largest = Math.max(largest, Math.abs(in[inOffset + i]));
    }
    float step = largest / LARGEST;
    for (int i = 0; i < length; i++) {
      int q = step == 0 ? 0 : Math.round(in[inOffset + i] / step);
      out.set(ValueLayout.JAVA_BYTE, outOffsetBytes + i * strideBytes, (byte) q);
    }
    return step;
  }

  /** Writes a step. */
  public static void putStep(MemorySegment out, long offsetBytes, float step) {
    out.set(STEP, offsetBytes, step);
  }

  /**
   * Widens a run whose steps follow it, block by block.
   *
   * @param inOffsetBytes of its first integer
   */
  public static void toFloats(
      MemorySegment in, long inOffsetBytes, float[] out, int outOffset, int length) {
    long stepBytes = inOffsetBytes + length;
    for (int block = 0; block < length; block += BLOCK) {
      float step = in.get(STEP, stepBytes);
      stepBytes += Float.BYTES;
      int end = Math.min(block + BLOCK, length);
      int i = block;
      for (; i + COUNT <= end; i += COUNT) {
        integers(in, inOffsetBytes + i).mul(step).intoArray(out, outOffset + i);
      }
      for (; i < end; i++) {
        out[outOffset + i] = in.get(ValueLayout.JAVA_BYTE, inOffsetBytes + i) * step;
      }
    }
  }

  /**
   * Widens {@value #BLOCK} runs that lie side by side, element by element, as they are: integer i
   * of run p is at {@code i * BLOCK + p}. The steps follow, block by block, in the same way.
   *
   * @param inOffsetBytes of the first integer
   * @param length of a run
   */
  public static void columnsToFloats(
      MemorySegment in, long inOffsetBytes, float[] out, int outOffset, int length) {
    for (int block = 0; block < length; block += BLOCK) {
      long steps = inOffsetBytes + (long) length * BLOCK + (long) block * Float.BYTES;
      int end = Math.min(block + BLOCK, length);
      for (int column = 0; column < BLOCK; column += COUNT) {
        FloatVector step =
            FloatVector.fromMemorySegment(
                FLOATS, in, steps + (long) column * Float.BYTES, ByteOrder.LITTLE_ENDIAN);
        for (int i = block * BLOCK + column; i < end * BLOCK; i += BLOCK) {
          integers(in, inOffsetBytes + i).mul(step).intoArray(out, outOffset + i);
        }
      }
    }
  }

  /**
   * The vector of bytes may be longer than the lanes; steps follow, so that it is within bounds.
   */
  private static FloatVector integers(MemorySegment in, long offsetBytes) {
    return (FloatVector)
        ByteVector.fromMemorySegment(BYTES, in, offsetBytes, ByteOrder.LITTLE_ENDIAN)
            .convertShape(B2F, FLOATS, 0);
  }
}
