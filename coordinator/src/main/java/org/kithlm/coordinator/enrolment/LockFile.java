package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps other processes from changing a file, by an empty one beside it. That one stays, so that
 * nobody locks a file that somebody else has deleted; the system frees a lock when its process
 * dies. Threads of one process must keep apart by themselves.
 */
final class LockFile implements AutoCloseable {
  private final FileChannel channel;

  private LockFile(FileChannel channel) {
    this.channel = channel;
  }

  /** Waits for the lock of a file, which need not exist. */
  static LockFile of(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file.resolveSibling(file.getFileName() + ".lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
    try {
      channel.lock();
      return new LockFile(channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Frees the lock. */
  @Override
  public void close() throws IOException {
    channel.close();
  }
}
