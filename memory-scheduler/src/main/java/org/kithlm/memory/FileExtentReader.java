package org.kithlm.memory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a file past the page cache, as weights are walked in a cycle that no cache can help. A file
 * system that refuses direct reads is read through the page cache, which is told to drop what has
 * been read: in a container it counts as used memory.
 */
final class FileExtentReader implements ExtentReader {
  private static final Logger LOG = LoggerFactory.getLogger(FileExtentReader.class);

  private static final int DIRECT = -1;

  private final FileChannel channel;
  private final int alignmentBytes;
  private final int cachedDescriptor; // negative where reads are direct

  private FileExtentReader(FileChannel channel, int alignmentBytes, int cachedDescriptor) {
    this.channel = channel;
    this.alignmentBytes = alignmentBytes;
    this.cachedDescriptor = cachedDescriptor;
  }

  static FileExtentReader open(Path file) throws IOException {
    return open(file, directOption());
  }

  /**
   * {@code com.sun.nio.file.ExtendedOpenOption.DIRECT} of the module jdk.unsupported, by name:
   * javac warns of the type wherever it is mentioned, and that warning cannot be suppressed.
   */
  private static OpenOption directOption() {
    try {
      Class<?> options = Class.forName("com.sun.nio.file.ExtendedOpenOption");
      return (OpenOption) options.getField("DIRECT").get(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JDK lacks direct reads", e);
    }
  }

  /** Tests pass an option that no file system knows, to be refused. */
  static FileExtentReader open(Path file, OpenOption directOption) throws IOException {
    int blockBytes = Math.toIntExact(Files.getFileStore(file).getBlockSize());
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, directOption);
      return new FileExtentReader(channel, blockBytes, DIRECT);
    } catch (IOException | UnsupportedOperationException refusal) {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      LOG.info(
          "{}: direct reads refused ({}), reading through the page cache",
          file,
          refusal.toString()); // without its stack trace
      return new FileExtentReader(channel, blockBytes, LinuxAdvice.openFile(file));
    }
  }

  @Override
  public int alignmentBytes() {
    return alignmentBytes;
  }

  @Override
  public int read(ByteBuffer target, long positionBytes) throws IOException {
    int count = channel.read(target, positionBytes);
    if (cachedDescriptor >= 0 && count > 0) {
      LinuxAdvice.dropCached(cachedDescriptor, positionBytes, count);
    }
    return count;
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (cachedDescriptor >= 0) {
      LinuxAdvice.closeFile(cachedDescriptor);
    }
  }
}
