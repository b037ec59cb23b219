package org.kithlm.transport.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.kithlm.transport.SumEncoding;

class FrameSealTest {
  private static final long SEED = 11;
  private static final int FRAME_BYTES_MAX = 1000;
  private static final int COUNT = 50;
  private static final int LENGTH_BYTES =
      FrameFlyweight.HEADER_LENGTH_BYTES + COUNT * Float.BYTES + FrameSeal.OVERHEAD_BYTES;

  private final Random random = new Random(SEED);
  private final SecretKey key = key();
  private final FrameSeal sender = new FrameSeal(key, 1, FRAME_BYTES_MAX);
  private final FrameSeal receiver = new FrameSeal(key, 2, FRAME_BYTES_MAX);
  private final UnsafeBuffer buffer = new UnsafeBuffer(new byte[FRAME_BYTES_MAX]);
  private final float[] values = new float[COUNT];

  @Test
  void shouldOpenWhatWasSealed() {
    seal(77);
    assertTrue(receiver.open(buffer, 4, LENGTH_BYTES));
    assertEquals(77, receiver.openedCounter());
    FrameFlyweight frame = new FrameFlyweight();
    frame.wrap(receiver.openedFrame(), 0, receiver.openedLengthBytes());
    assertTrue(frame.isValid(3, COUNT, SumEncoding.F32));
    assertEquals(5, frame.epoch());
    float[] opened = new float[COUNT];
    frame.copyElementsTo(opened, 0);
    assertArrayEquals(values, opened);
  }

  @Test
  void shouldHideElements() {
    seal(1);
    int at = 4 + LENGTH_BYTES - FrameSeal.OVERHEAD_BYTES;
    assertNotEquals(values[COUNT - 1], buffer.getFloat(at), "the last element in the clear");
    byte[] first = bytes();
    seal(2);
    byte[] second = bytes();
    int same = 0;
    for (int i = FrameFlyweight.HEADER_LENGTH_BYTES + Long.BYTES; i < LENGTH_BYTES; i++) {
      same += first[i] == second[i] ? 1 : 0;
    }
    assertTrue(same < 20, "bytes that two counters seal alike: " + same);
  }

  @Test
  void shouldNotOpenWhatWasChangedAnywhere() {
    for (int i = 0; i < LENGTH_BYTES; i++) {
      seal(i);
      buffer.putByte(4 + i, (byte) (buffer.getByte(4 + i) ^ (1 << random.nextInt(8))));
      assertFalse(receiver.open(buffer, 4, LENGTH_BYTES), "byte " + i + " seed=" + SEED);
    }
  }

  @Test
  void shouldNotOpenAnotherLength() {
    for (int lengthBytes = 0; lengthBytes < 900; lengthBytes++) {
      seal(lengthBytes);
      assertEquals(lengthBytes == LENGTH_BYTES, receiver.open(buffer, 4, lengthBytes));
    }
  }

  @Test
  void shouldOpenOnlyForTheReceiverAndWithTheKey() {
    seal(3);
    assertFalse(new FrameSeal(key, 0, FRAME_BYTES_MAX).open(buffer, 4, LENGTH_BYTES));
    assertFalse(new FrameSeal(key(), 2, FRAME_BYTES_MAX).open(buffer, 4, LENGTH_BYTES));
    assertTrue(receiver.open(buffer, 4, LENGTH_BYTES));
  }

  @Test
  void shouldWorkAfterWarmUp() {
    sender.warmUp(5);
    receiver.warmUp(5);
    seal(0);
    assertTrue(receiver.open(buffer, 4, LENGTH_BYTES));
  }

  private void seal(long counter) {
    for (int i = 0; i < COUNT; i++) {
      values[i] = random.nextFloat();
    }
    FrameFlyweight header = FrameFlyweight.allocateHeader(5, 1);
    header.subject(FrameKind.SUM, 9, 1, 0).part(0, COUNT, COUNT);
    sender.seal(header, new FloatElements().wrap(values), 2, counter, buffer, 4);
  }

  private byte[] bytes() {
    byte[] bytes = new byte[LENGTH_BYTES];
    buffer.getBytes(4, bytes);
    return bytes;
  }

  private SecretKey key() {
    byte[] bytes = new byte[16];
    random.nextBytes(bytes);
    return new SecretKeySpec(bytes, "AES");
  }
}
