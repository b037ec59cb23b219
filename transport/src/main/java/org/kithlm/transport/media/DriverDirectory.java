package org.kithlm.transport.media;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.agrona.IoUtil;

/**
 * A media driver's own directory. A locked file beside it says that its process lives; the lock
 * goes with the process, so what a killed process left behind (megabytes of memory in /dev/shm) is
 * found and deleted by the next one.
 */
final class DriverDirectory implements AutoCloseable {
  static final String PREFIX = "kith-transport-";
  private static final String LOCK_SUFFIX = ".lock";

  private final Path lockFile;
  private final FileChannel lockChannel;
  private final Path directory;

  private DriverDirectory(Path lockFile, FileChannel lockChannel, Path directory) {
    this.lockFile = lockFile;
    this.lockChannel = lockChannel;
    this.directory = directory;
  }

  /** Sweeps {@code parent}, then names a new directory in it; the driver creates it. */
  static DriverDirectory create(Path parent) {
    try {
      Files.createDirectories(parent);
      sweep(parent);
      Path lockFile = Files.createTempFile(parent, PREFIX, LOCK_SUFFIX);
      FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
      FileLock lock = channel.lock();
      assert lock.isValid();
      return new DriverDirectory(lockFile, channel, directoryOf(lockFile));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a driver directory under " + parent, e);
    }
  }

  Path path() {
    return directory;
  }

  /** Deletes the directory and gives up the lock. */
  @Override
  public void close() {
    IoUtil.delete(directory.toFile(), true);
    try {
      Files.deleteIfExists(lockFile);
      lockChannel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + lockFile, e);
    }
  }

  private static void sweep(Path parent) throws IOException {
    try (DirectoryStream<Path> locks =
        Files.newDirectoryStream(parent, PREFIX + "*" + LOCK_SUFFIX)) {
      for (Path lockFile : locks) {
        deleteIfOrphan(lockFile);
      }
    }
  }

  private static void deleteIfOrphan(Path lockFile) {
    try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      if (lock != null) {
        IoUtil.delete(directoryOf(lockFile).toFile(), true);
        Files.deleteIfExists(lockFile);
      }
    } catch (OverlappingFileLockException | IOException e) {
      // Another session of this JVM holds it, or another user owns it: not an orphan of ours.
    }
  }

  private static Path directoryOf(Path lockFile) {
    String name = lockFile.getFileName().toString();
    return lockFile.resolveSibling(name.substring(0, name.length() - LOCK_SUFFIX.length()));
  }
}
