package org.kithlm.transport.media;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.agrona.IoUtil;
import org.kithlm.transport.TransportException;

/**
 * A media driver's own directory. A locked file beside it says that its process lives; the lock
 * goes with the process, so what a killed process left behind (megabytes of memory in /dev/shm) is
 * found and deleted by the next one. Any thread.
 */
final class DriverDirectory implements AutoCloseable {
  static final String PREFIX = "kith-transport-";
  private static final String LOCK_SUFFIX = ".lock";

  // Lock files of this JVM. A sweep must not even open them: closing any channel of a file gives up
  // the process's locks on it (POSIX).
  private static final Set<Path> OWN_LOCK_FILES = new HashSet<>();

  private final Path lockFile;
  private final FileChannel lockChannel;

  private DriverDirectory(Path lockFile, FileChannel lockChannel) {
    this.lockFile = lockFile;
    this.lockChannel = lockChannel;
  }

  /**
   * Sweeps {@code parent}, then names a new directory in it; the driver creates it.
   *
   * @throws TransportException if {@code parent} cannot be made or written to
   */
  static DriverDirectory create(Path parent) {
    synchronized (OWN_LOCK_FILES) {
      try {
        Path folder = Files.createDirectories(parent.toAbsolutePath().normalize());
        sweep(folder);
        return lockNew(folder);
      } catch (IOException e) {
        throw new TransportException("cannot make a driver directory under " + parent, e);
      }
    }
  }

  Path path() {
    return directoryOf(lockFile);
  }

  /** Deletes the directory and gives up the lock. */
  @Override
  public void close() {
    IoUtil.delete(path().toFile(), true);
    synchronized (OWN_LOCK_FILES) {
      try {
        Files.deleteIfExists(lockFile);
        lockChannel.close();
        OWN_LOCK_FILES.remove(lockFile);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot delete " + lockFile, e);
      }
    }
  }

  private static DriverDirectory lockNew(Path parent) throws IOException {
    while (true) {
      Path lockFile = parent.resolve(PREFIX + UUID.randomUUID() + LOCK_SUFFIX);
      FileChannel channel =
          FileChannel.open(lockFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      try {
        FileLock lock = channel.lock();
        // Another process may have swept the file before it was locked: then try another.
        if (lock.isValid() && Files.exists(lockFile)) {
          OWN_LOCK_FILES.add(lockFile);
          return new DriverDirectory(lockFile, channel);
        }
      } catch (IOException e) {
        channel.close();
        throw e;
      }
      channel.close();
    }
  }

  private static void sweep(Path parent) throws IOException {
    try (DirectoryStream<Path> locks =
        Files.newDirectoryStream(parent, PREFIX + "*" + LOCK_SUFFIX)) {
      for (Path lockFile : locks) {
        if (!OWN_LOCK_FILES.contains(lockFile)) {
          deleteIfOrphan(lockFile);
        }
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
    } catch (IOException e) {
      // Another user owns it, or another process has just deleted it: not for us to sweep.
    }
  }

  private static Path directoryOf(Path lockFile) {
    String name = lockFile.toString();
    return Path.of(name.substring(0, name.length() - LOCK_SUFFIX.length()));
  }
}
