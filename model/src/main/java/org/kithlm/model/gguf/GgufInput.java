package org.kithlm.model.gguf;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads little-endian values from a section of a file through one buffer. Every length is checked
 * against the end of the section before anything is allocated for it.
 */
final class GgufInput {
  private static final int BUFFER_BYTES = 64 * 1024;

  private final FileChannel channel;
  private final String fileName;
  private final String endDescription;
  private final long endBytes;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);
  private long bufferEndBytes;

  /**
   * Starts at {@code offsetBytes}.
   *
   * @param fileName for messages
   * @param endBytes first byte of the file that is not read
   * @param endDescription why the section ends there, for messages
   */
  GgufInput(
      FileChannel channel,
      String fileName,
      long offsetBytes,
      long endBytes,
      String endDescription) {
    this.channel = channel;
    this.fileName = fileName;
    this.endBytes = endBytes;
    this.endDescription = endDescription;
    bufferEndBytes = offsetBytes;
  }

  /** Offset in the file of the next byte. */
  long positionBytes() {
    return bufferEndBytes - buffer.remaining();
  }

  byte readByte(String what) throws IOException {
    fill(Byte.BYTES, what);
    return buffer.get();
  }

  short readShort(String what) throws IOException {
    fill(Short.BYTES, what);
    return buffer.getShort();
  }

  int readInt(String what) throws IOException {
    fill(Integer.BYTES, what);
    return buffer.getInt();
  }

  long readLong(String what) throws IOException {
    fill(Long.BYTES, what);
    return buffer.getLong();
  }

  /** An unsigned 64-bit count from 0 to {@code max}. */
  int readCount(int max, String what) throws IOException {
    long offsetBytes = positionBytes();
    long count = readLong(what);
    if (count < 0 || count > max) {
      throw failure(
          what
              + "="
              + Long.toUnsignedString(count)
              + " at offset "
              + offsetBytes
              + " exceeds "
              + max);
    }
    return (int) count;
  }

  /** A string of at most {@code maxBytes} bytes of UTF-8. */
  String readString(int maxBytes, String what) throws IOException {
    return new String(readUtf8(maxBytes, what), StandardCharsets.UTF_8);
  }

  /** The bytes of such a string, which are valid UTF-8. */
  byte[] readUtf8(int maxBytes, String what) throws IOException {
    int lengthBytes = readCount(maxBytes, "length of " + what);
    long offsetBytes = positionBytes();
    require(lengthBytes, what);
    byte[] bytes = new byte[lengthBytes];
    for (int done = 0; done < lengthBytes; ) {
      if (!buffer.hasRemaining()) {
        fill(1, what);
      }
      int length = Math.min(buffer.remaining(), lengthBytes - done);
      buffer.get(bytes, done, length);
      done += length;
    }
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
    } catch (CharacterCodingException e) {
      throw failure(what + " at offset " + offsetBytes + " is not UTF-8", e);
    }
    return bytes;
  }

  /** Checks that {@code lengthBytes} more bytes are there. */
  void require(long lengthBytes, String what) {
    if (lengthBytes > endBytes - positionBytes()) {
      throw failure(
          what
              + " needs "
              + lengthBytes
              + " bytes at offset "
              + positionBytes()
              + ", but "
              + endDescription);
    }
  }

  GgufException failure(String problem) {
    return new GgufException(fileName + ": " + problem);
  }

  GgufException failure(String problem, Throwable cause) {
    GgufException failure = failure(problem);
    failure.initCause(cause);
    return failure;
  }

  private void fill(int lengthBytes, String what) throws IOException {
    if (buffer.remaining() >= lengthBytes) {
      return;
    }
    require(lengthBytes, what);
    buffer.compact();
    buffer.limit((int) Math.min(buffer.capacity(), buffer.position() + endBytes - bufferEndBytes));
    while (buffer.position() < lengthBytes) {
      int count = channel.read(buffer, bufferEndBytes);
      if (count < 0) {
        throw new EOFException(fileName + " became shorter while it was read");
      }
      bufferEndBytes += count;
    }
    buffer.flip();
  }
}
