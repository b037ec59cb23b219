package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.kithlm.model.gguf.GgmlType;

class ScalarDequantizerTest {
  /** Values made by the Python package gguf; see make_dequantize_goldens.py beside them. */
  @Test
  void shouldMatchReferenceValues() throws IOException {
    Set<GgmlType> types = EnumSet.noneOf(GgmlType.class);
    for (String line : goldens().lines().toList()) {
      String[] fields = line.split(" ", 3);
      GgmlType type = GgmlType.valueOf(fields[0]);
      byte[] blocks = HexFormat.of().parseHex(fields[1]);
      float[] expected = floats(HexFormat.of().parseHex(fields[2]));
      float[] actual = new float[expected.length];
      ScalarDequantizer.dequantize(
          type, MemorySegment.ofArray(blocks), 0, actual, 0, actual.length);
      assertArrayEquals(expected, actual, type.name()); // bit for bit, but for the payload of NaN
      types.add(type);
    }
    assertEquals(EnumSet.allOf(GgmlType.class), types);
  }

  @Test
  void shouldWriteOnlyItsRange() {
    byte[] blocks = new byte[5 + 2 * 34];
    blocks[5 + 34 + 1] = 0x3c; // f16 1.0
    blocks[5 + 34 + 2] = -128;
    float[] out = new float[34];
    out[0] = 7;
    out[33] = 9;
    ScalarDequantizer.dequantize(GgmlType.Q8_0, MemorySegment.ofArray(blocks), 5 + 34, out, 1, 32);
    assertEquals(7, out[0]);
    assertEquals(-128, out[1]);
    assertEquals(9, out[33]);
  }

  @Test
  void shouldRefusePartialBlocksAndOverruns() {
    MemorySegment source = MemorySegment.ofArray(new byte[34]);
    assertThrows(
        IllegalArgumentException.class,
        () -> ScalarDequantizer.dequantize(GgmlType.Q8_0, source, 0, new float[32], 0, 31));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> ScalarDequantizer.dequantize(GgmlType.Q8_0, source, 1, new float[32], 0, 32));
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> ScalarDequantizer.dequantize(GgmlType.Q8_0, source, 0, new float[31], 0, 32));
  }

  private static String goldens() throws IOException {
    try (InputStream in =
        ScalarDequantizerTest.class.getResourceAsStream("dequantize-goldens.txt")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  private static float[] floats(byte[] bytes) {
    float[] values = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }
}
