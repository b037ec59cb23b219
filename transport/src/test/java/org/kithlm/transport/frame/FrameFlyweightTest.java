package org.kithlm.transport.frame;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.transport.SumEncoding;

class FrameFlyweightTest {
  private static final int WORLD_SIZE = 3;
  private static final int MAX_FLOATS = 100;
  private static final int AT = 16;

  private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[1024]);
  private final float[] values = new float[MAX_FLOATS];
  private final double[] sums = new double[MAX_FLOATS];

  @Test
  void shouldReadWhatWasWritten() {
    FrameFlyweight frame = partial();
    assertTrue(frame.isValid(WORLD_SIZE, MAX_FLOATS, SumEncoding.F32));
    assertEquals(FrameKind.PARTIAL, frame.kind());
    assertEquals(9L, frame.epoch());
    assertEquals(1L << 40, frame.step());
    assertEquals(5, frame.layer());
    assertEquals(1, frame.block());
    assertEquals(2, frame.rank());
    assertEquals(60, frame.offset());
    assertEquals(7, frame.count());
    assertEquals(100, frame.length());
  }

  @Test
  void shouldLayOutTheHeaderInLittleEndian() {
    partial();
    byte[] start = new byte[24];
    buffer.getBytes(AT, start);
    assertArrayEquals(
        new byte[] {'K', 'T', 'H', '3', 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
        start);
  }

  @Test
  void shouldPlaceElementsAtTheirOffset() {
    FrameFlyweight frame = partial();
    float[] target = new float[MAX_FLOATS];
    frame.copyElementsTo(target, frame.offset());
    for (int i = 0; i < MAX_FLOATS; i++) {
      assertEquals(i >= 60 && i < 67 ? values[i] : 0, target[i], "element " + i);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldAddPartialSumsAsTheOwnRankDoes(SumEncoding encoding) {
    double[] partial = new double[MAX_FLOATS];
    for (int i = 0; i < MAX_FLOATS; i++) {
      partial[i] = Math.exp(i) / 3; // more digits than f32 has
    }
    PartialElements elements = new PartialElements(encoding, buffer.capacity()).wrap(partial);
    int lengthBytes = FrameFlyweight.HEADER_LENGTH_BYTES + elements.lengthBytes(60, 7);
    FrameFlyweight.allocateHeader(9, 2)
        .subject(FrameKind.PARTIAL, 1, 5, 1)
        .part(60, 7, 100)
        .copyTo(buffer, AT, elements);
    FrameFlyweight frame = new FrameFlyweight().wrap(buffer, AT, lengthBytes);
    assertTrue(frame.isValid(WORLD_SIZE, MAX_FLOATS, encoding));
    double[] received = {1, 2, 3, 4, 5, 6, 7};
    double[] own = received.clone();
    frame.addElementsTo(received, encoding);
    encoding.addTo(own, partial, 60, 7);
    assertArrayEquals(own, received);
    frame.wrap(buffer, AT, lengthBytes + 1);
    assertFalse(frame.isValid(WORLD_SIZE, MAX_FLOATS, encoding));
    assertEquals(encoding == SumEncoding.EXACT, received[6] == 7 + partial[66]);
  }

  @ParameterizedTest
  @EnumSource(FrameKind.class)
  void shouldKnowEveryKindByItsCode(FrameKind kind) {
    assertEquals(kind, FrameKind.ofCode(kind.code()));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "4, 0",
    "4, 8",
    "4, 1",
    "8, -1",
    "24, -1",
    "28, -1",
    "32, 3",
    "32, -1",
    "36, -1",
    "36, 94",
    "36, 2147483647",
    "40, 0",
    "40, -1",
    "40, 8",
    "40, 2147483647",
    "44, 0",
    "44, 66",
    "44, 101",
    "44, -1"
  })
  void shouldRefuseAFieldOutOfRange(int fieldOffset, int value) {
    FrameFlyweight frame = partial();
    buffer.putInt(AT + (fieldOffset == 8 ? 20 : fieldOffset), value, LITTLE_ENDIAN);
    assertFalse(frame.isValid(WORLD_SIZE, MAX_FLOATS, SumEncoding.F32));
  }

  @Test
  void shouldRefuseEveryOtherLength() {
    partial();
    FrameFlyweight frame = new FrameFlyweight();
    int lengthBytes = FrameFlyweight.HEADER_LENGTH_BYTES + 7 * Float.BYTES;
    for (int other = 0; other < 200; other++) {
      frame.wrap(buffer, AT, other);
      assertEquals(
          other == lengthBytes,
          frame.isValid(WORLD_SIZE, MAX_FLOATS, SumEncoding.F32),
          "lengthBytes=" + other);
    }
  }

  @Test
  void shouldNeverWriteOutsideTheVectorWhateverTheBytes() {
    long seed = 7;
    Random random = new Random(seed);
    FrameFlyweight frame = new FrameFlyweight();
    byte[] bytes = new byte[200];
    for (int i = 0; i < 200_000; i++) {
      random.nextBytes(bytes);
      buffer.putBytes(0, bytes);
      buffer.putInt(0, FrameFlyweight.MAGIC, LITTLE_ENDIAN);
      for (int field = 24; field < 48; field += 4) { // small enough to be nearly right
        buffer.putInt(field, random.nextInt(-1, 50), LITTLE_ENDIAN);
      }
      buffer.putInt(4, random.nextInt(0, 9), LITTLE_ENDIAN);
      frame.wrap(buffer, 0, random.nextInt(0, 200));
      if (frame.isValid(WORLD_SIZE, MAX_FLOATS, SumEncoding.F32)) {
        // throws where a bound is missing
        frame.addElementsTo(sums, SumEncoding.F32);
        frame.copyElementsTo(values, frame.offset());
      }
    }
  }

  private FrameFlyweight partial() {
    for (int i = 0; i < values.length; i++) {
      values[i] = i + 0.5f;
    }
    FrameFlyweight.allocateHeader(9, 2)
        .subject(FrameKind.PARTIAL, 1L << 40, 5, 1)
        .part(60, 7, 100)
        .copyTo(buffer, AT, new FloatElements().wrap(values));
    int lengthBytes = FrameFlyweight.HEADER_LENGTH_BYTES + 7 * Float.BYTES;
    return new FrameFlyweight().wrap(buffer, AT, lengthBytes);
  }
}
