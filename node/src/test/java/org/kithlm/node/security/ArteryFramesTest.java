package org.kithlm.node.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.kithlm.node.control.ClusterSettings;

class ArteryFramesTest {
  private static final int LONGEST = ArteryFrames.FRAME_BYTES_MAX;

  /** The head of a connection and frames of these lengths, which may be longer than they say. */
  private static ByteBuffer connection(int... lengths) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("AKKA".getBytes(StandardCharsets.US_ASCII)).put((byte) 2);
    for (int length : lengths) {
      bytes.putInt(length);
      bytes.position(bytes.position() + Math.clamp(length, 0, 2 * LONGEST));
    }
    return bytes.flip();
  }

  private static @Nullable String refusal(ByteBuffer bytes) {
    return new ArteryFrames().refusal(bytes);
  }

  private static String length(int length) {
    return "a frame has a length of " + length + " bytes; 28 to 262144 are allowed";
  }

  @Test
  void shouldTakeWhatArterySends() {
    assertNull(refusal(connection()));
    assertNull(refusal(connection(28, LONGEST, 100, 28)));
  }

  @Test
  void shouldTakeItInPartsOfAnyLength() {
    ByteBuffer all = connection(300, 28, 1000, LONGEST, 28, 29);
    long seed = System.nanoTime();
    Random random = new Random(seed);
    ArteryFrames frames = new ArteryFrames();
    int from = 0;
    while (from < all.limit()) {
      int part = Math.min(1 + random.nextInt(700), all.limit() - from);
      assertNull(frames.refusal(all.slice(from, part)), "seed " + seed + ", byte " + from);
      from += part;
    }
    assertEquals(length(0), frames.refusal(ByteBuffer.allocate(4)));
  }

  @Test
  void shouldRefuseLengthsThatNoFrameHas() {
    for (int length : new int[] {-1, 0, 27, LONGEST + 1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertEquals(length(length), refusal(connection(100, length)));
    }
  }

  @Test
  void shouldRefuseAnotherVersionOfTheHeader() {
    ByteBuffer bytes = connection(28, 28);
    bytes.put(bytes.limit() - 28, (byte) 7);
    assertEquals("a frame's header has version 7 instead of 0", refusal(bytes));
  }

  @Test
  void shouldRefuseAnotherProtocol() {
    ByteBuffer http = ByteBuffer.wrap("ALL / HTTP/1.1".getBytes(StandardCharsets.US_ASCII));
    assertEquals("byte 1 of the connection is 4c instead of 4b", refusal(http));
  }

  @Test
  void shouldAllowWhatTheConfigurationDoes() {
    assertEquals(
        LONGEST,
        ClusterSettings.of("127.0.0.1", 0, ClusterSettings.NODE_ROLE)
            .getBytes("pekko.remote.artery.advanced.maximum-frame-size"));
  }
}
