package org.kithlm.model.kernel;

import static org.kithlm.model.kernel.Lanes.FLOATS;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of weights from absolute addresses: one segment over all memory compiles to plain loads,
 * where segments of several kinds would not. {@link MatMul} checks the bounds of a tile beforehand.
 */
final class NativeWords {
  /** Bytes from one word of a row group to the next. */
  static final int WORD_BYTES = 64;

  /** Bytes from one 16-bit field of a row group to the next. */
  static final int FIELD_BYTES = 32;

  static final VectorSpecies<Integer> INTS = FLOATS.vectorShape().withLanes(int.class);
  static final VectorSpecies<Short> SHORTS = FLOATS.vectorShape().withLanes(short.class);

  /** As many 16-bit numbers as a float vector has lanes. */
  static final VectorSpecies<Short> FIELDS =
      VectorShape.forBitSize(FLOATS.vectorBitSize() / 2).withLanes(short.class);

  /** From the last bit of the exponent of a float to that of an f16 with its bits 13 higher. */
  static final float HALF_TO_FLOAT = 0x1p112f;

  /** Sign, exponent and mantissa of an f16 that was shifted by 13. */
  static final int HALF_BITS = 0x8FFFE000;

  @SuppressWarnings("restricted") // callers check bounds; see above
  static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private NativeWords() {}

  static IntVector ints(long address) {
    return IntVector.fromMemorySegment(INTS, MEMORY, address, ByteOrder.LITTLE_ENDIAN);
  }

  static FloatVector floats(long address) {
    return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ByteOrder.LITTLE_ENDIAN);
  }

  /** Finite f16 numbers, subnormal ones too. */
  static FloatVector halves(long address) {
    return fields(address)
        .lanewise(VectorOperators.LSHL, 13)
        .and(HALF_BITS)
        .reinterpretAsFloats()
        .mul(HALF_TO_FLOAT);
  }

  static FloatVector brainFloats(long address) {
    return fields(address).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  private static IntVector fields(long address) {
    return ShortVector.fromMemorySegment(FIELDS, MEMORY, address, ByteOrder.LITTLE_ENDIAN)
        .convertShape(VectorOperators.S2I, INTS, 0)
        .reinterpretAsInts();
  }
}
