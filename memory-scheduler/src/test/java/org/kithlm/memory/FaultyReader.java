package org.kithlm.memory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/** Spoils the first reads that touch one byte of the file, as a failing disk would. */
final class FaultyReader implements ExtentReader {
  enum Fault {
    IO_ERROR,
    SHORT_READ,
    FLIPPED_BIT
  }

  private final ExtentReader reader;
  private final Fault fault;
  private final long positionBytes;
  private final AtomicInteger remaining;

  FaultyReader(ExtentReader reader, Fault fault, long positionBytes, int times) {
    this.reader = reader;
    this.fault = fault;
    this.positionBytes = positionBytes;
    this.remaining = new AtomicInteger(times);
  }

  @Override
  public int alignmentBytes() {
    return reader.alignmentBytes();
  }

  @Override
  public int read(ByteBuffer target, long readPositionBytes) throws IOException {
    long index = positionBytes - readPositionBytes;
    if (index < 0 || index >= target.remaining() || remaining.getAndDecrement() <= 0) {
      return reader.read(target, readPositionBytes);
    }
    return switch (fault) {
      case IO_ERROR -> throw new IOException("Input/output error");
      case SHORT_READ -> reader.read(target, readPositionBytes) > index ? (int) index : -1;
      case FLIPPED_BIT -> {
        int readBytes = reader.read(target, readPositionBytes);
        target.put((int) index, (byte) (target.get((int) index) ^ 1));
        yield readBytes;
      }
    };
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
