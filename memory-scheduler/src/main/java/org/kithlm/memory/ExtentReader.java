package org.kithlm.memory;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Positional reads of one file. Thread-safe. */
interface ExtentReader extends Closeable {
  /** Position, length and buffer address of a read must be multiples of this. */
  int alignmentBytes();

  /**
   * One read.
   *
   * @return bytes read, possibly fewer than the buffer takes, or -1 at or past the end of the file
   */
  int read(ByteBuffer target, long positionBytes) throws IOException;
}
