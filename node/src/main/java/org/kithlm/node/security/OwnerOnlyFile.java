package org.kithlm.node.security;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files with secrets: only their owner can read them, and they are replaced in one step. */
public final class OwnerOnlyFile {
  private OwnerOnlyFile() {}

  /** Writes a file in an existing folder; after a crash it has its old or its new content. */
  public static void write(Path file, byte[] content) throws IOException {
    // Temporary files are made for their owner only (0600).
    Path next = Files.createTempFile(file.toAbsolutePath().getParent(), "kith", ".new");
    try {
      try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(next, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(next);
    }
  }
}
