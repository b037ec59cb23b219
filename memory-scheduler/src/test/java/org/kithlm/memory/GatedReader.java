package org.kithlm.memory;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** A disk that stands still until it is let go on, read by read. */
final class GatedReader implements ExtentReader {
  private final ExtentReader reader;
  private final Semaphore reads;
  private final AtomicInteger waiting = new AtomicInteger();

  GatedReader(ExtentReader reader, int readsAtFirst) {
    this.reader = reader;
    this.reads = new Semaphore(readsAtFirst);
  }

  /** Lets more reads through. */
  void open(int count) {
    reads.release(count);
  }

  /** Reads that stand still now. */
  int waiting() {
    return waiting.get();
  }

  @Override
  public int alignmentBytes() {
    return reader.alignmentBytes();
  }

  @Override
  public int read(ByteBuffer target, long positionBytes) throws IOException {
    waiting.incrementAndGet();
    try {
      reads.acquire();
    } catch (InterruptedException e) {
      throw new InterruptedIOException("the gate was left");
    } finally {
      waiting.decrementAndGet();
    }
    return reader.read(target, positionBytes);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
