package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;

/**
 * Keeps other processes from changing a model. The file stays when the lock is gone, so that nobody
 * locks a file that somebody else has deleted; the system frees a lock when its process dies.
 */
public final class ModelLock implements AutoCloseable {
  private final FileChannel channel;

  private ModelLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock, or refuses at once.
   *
   * @throws KithException if another process holds it
   */
  static ModelLock take(Path file, String model) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean taken = false;
    try {
      if (tryLock(channel) == null) {
        throw new KithException(
            ExitCode.OTHER,
            model
                + " is being changed by another kith (process "
                + Files.readString(file)
                + "); wait for it or end it");
      }
      channel.truncate(0);
      String pid = Long.toString(ProcessHandle.current().pid());
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.UTF_8)));
      taken = true;
      return new ModelLock(channel);
    } finally {
      if (!taken) {
        channel.close();
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // this process holds it
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
