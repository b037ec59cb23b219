package org.kithlm.node.security;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Follows what a member sends to Artery over TCP, and finds what Pekko would wait for the end of,
 * or fail over: after four magic bytes and the number of a stream come frames, each after its
 * length (little-endian) and begun by the version of its header. One thread.
 */
final class ArteryFrames {
  /** {@code maximum-frame-size} in kith-cluster.conf. */
  static final int FRAME_BYTES_MAX = 256 << 10;

  private static final int FRAME_BYTES_MIN = 28; // a header without anything behind
  private static final byte[] MAGIC = "AKKA".getBytes(StandardCharsets.US_ASCII);
  private static final int HEAD_BYTES = MAGIC.length + 1;
  private static final int HEADER_VERSION = 0;

  private int headBytes; // seen of the connection's head
  private int lengthBytes; // seen of a frame's length
  private int frameLength;
  private int bodyBytes; // of the frame that are still to come

  /**
   * Takes the next bytes.
   *
   * @return why the connection is to end, null if it may go on
   */
  @Nullable String refusal(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      String refusal = bodyBytes > 0 ? body(bytes) : head(bytes.get());
      if (refusal != null) {
        return refusal;
      }
    }
    return null;
  }

  private @Nullable String body(ByteBuffer bytes) {
    byte first = bytes.get(bytes.position());
    if (bodyBytes == frameLength && first != HEADER_VERSION) {
      return "a frame's header has version %d instead of %d".formatted(first, HEADER_VERSION);
    }
    int taken = Math.min(bodyBytes, bytes.remaining());
    bytes.position(bytes.position() + taken);
    bodyBytes -= taken;
    return null;
  }

  private @Nullable String head(byte next) {
    if (headBytes < HEAD_BYTES) {
      if (headBytes < MAGIC.length && next != MAGIC[headBytes]) {
        return "byte %d of the connection is %s instead of %s"
            .formatted(
                headBytes,
                HexFormat.of().toHexDigits(next),
                HexFormat.of().toHexDigits(MAGIC[headBytes]));
      }
      headBytes++;
      return null;
    }
    frameLength = lengthBytes == 0 ? next & 0xff : frameLength | (next & 0xff) << (8 * lengthBytes);
    lengthBytes++;
    if (lengthBytes < Integer.BYTES) {
      return null;
    }
    if (frameLength < FRAME_BYTES_MIN || frameLength > FRAME_BYTES_MAX) {
      return "a frame has a length of %d bytes; %d to %d are allowed"
          .formatted(frameLength, FRAME_BYTES_MIN, FRAME_BYTES_MAX);
    }
    bodyBytes = frameLength;
    lengthBytes = 0;
    return null;
  }
}
