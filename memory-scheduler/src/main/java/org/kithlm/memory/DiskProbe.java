package org.kithlm.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Random;

/** Measures how fast a disk is read, as weights are: past the page cache, into huge pages. */
public final class DiskProbe {
  private static final int PIECE_BYTES = 2 << 20;
  private static final int PIECES_MAX = 16;

  private DiskProbe() {}

  /**
   * Writes a file of up to 32 MiB into a folder, reads it and removes it.
   *
   * @param limit for writing and reading together; one piece is always written and read
   * @return bytes per second of reading
   */
  public static long bytesPerSecond(Path folder, Duration limit) throws IOException {
    Path file = Files.createTempFile(folder, "kith", ".probe");
    try {
      int pieces = write(file, limit.toNanos() / 2);
      return read(file, pieces, limit.toNanos() / 2);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static int write(Path file, long limitNs) throws IOException {
    byte[] bytes = new byte[PIECE_BYTES];
    new Random(1).nextBytes(bytes); // some disks compress
    long startNs = System.nanoTime();
    int pieces = 0;
    // Each write reaches the disk before the next begins, so that the limit holds for the disk too.
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.DSYNC)) {
      do {
        ByteBuffer piece = ByteBuffer.wrap(bytes);
        while (piece.hasRemaining()) {
          channel.write(piece);
        }
        pieces++;
      } while (pieces < PIECES_MAX && System.nanoTime() - startNs < limitNs);
    }
    return pieces;
  }

  private static long read(Path file, int pieces, long limitNs) throws IOException {
    try (ExtentReader reader = FileExtentReader.open(file);
        Arena arena = Arena.ofConfined()) {
      ByteBuffer piece = LinuxAdvice.hugePages(arena, PIECE_BYTES).asByteBuffer();
      long startNs = System.nanoTime();
      long bytes = 0;
      long tookNs;
      do {
        int count = reader.read(piece.clear().limit(PIECE_BYTES), bytes);
        if (count <= 0) {
          throw new IOException(file + " ends after " + bytes + " bytes, others were written");
        }
        bytes += count;
        tookNs = System.nanoTime() - startNs;
      } while (bytes < (long) pieces * PIECE_BYTES && tookNs < limitNs);
      return (long) (bytes * 1e9 / tookNs);
    }
  }
}
