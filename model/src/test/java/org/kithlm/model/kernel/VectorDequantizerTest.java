package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.model.gguf.GgmlType;

class VectorDequantizerTest {
  private static final int GUARD = 5;

  /** Any bytes at all: scales may be huge, subnormal, infinite or NaN. */
  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldGiveTheBitsOfTheScalarTwin(GgmlType type) {
    Random random = new Random(type.id());
    for (int units : new int[] {1, 2, 7, 13, 31, 33, 1025}) {
      byte[] blocks = new byte[(int) type.bytes((long) units * type.blockLength())];
      random.nextBytes(blocks);
      compare(type, blocks, "random bytes, units=" + units);
    }
  }

  @ParameterizedTest
  @EnumSource(GgmlType.class)
  void shouldAgreeOnExtremeBytes(GgmlType type) {
    for (int fill : new int[] {0x00, 0x7F, 0x80, 0xFF, 0x0F, 0xF0}) {
      for (float scale : new float[] {0, -0f, 65504, -65504, 0x1p-24f, 0x1p-14f, 1e-3f}) {
        byte[] blocks = new byte[(int) type.bytes(256)];
        Arrays.fill(blocks, (byte) fill);
        ByteBuffer data = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0; block < blocks.length; block += type.blockBytes()) {
          data.putShort(block + (type == GgmlType.Q6_K ? 208 : 0), Float.floatToFloat16(scale));
        }
        compare(type, blocks, "fill=" + fill + " scale=" + scale);
      }
    }
  }

  private static void compare(GgmlType type, byte[] blocks, String what) {
    int length = blocks.length / type.blockBytes() * type.blockLength();
    float[] expected = new float[length];
    ScalarDequantizer.dequantize(type, MemorySegment.ofArray(blocks), 0, expected, 0, length);
    int at = 3;
    byte[] padded = new byte[at + blocks.length + VectorDequantizer.PADDING_BYTES];
    System.arraycopy(blocks, 0, padded, at, blocks.length);
    float[] actual = new float[GUARD + length + GUARD];
    VectorDequantizer.of(type).dequantize(padded, at, actual, GUARD, GUARD + length);
    int[] bits = new int[GUARD + length + GUARD];
    for (int i = 0; i < length; i++) {
      bits[GUARD + i] = Float.floatToIntBits(expected[i]);
    }
    int[] actualBits = new int[actual.length];
    for (int i = 0; i < actual.length; i++) {
      actualBits[i] = Float.floatToIntBits(actual[i]);
    }
    assertArrayEquals(bits, actualBits, type + " " + what);
  }
}
