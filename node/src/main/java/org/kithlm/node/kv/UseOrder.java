package org.kithlm.node.kv;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.security.OwnerOnlyFile;

/**
 * The file that lists the pages of a store, the longest unused first. It is written when the store
 * is closed in order, and is the sign of that.
 */
final class UseOrder {
  private static final int MAGIC = 'K' << 24 | 'V' << 16 | 'O' << 8 | '1';

  private UseOrder() {}

  static void write(Path file, List<PageKey.Piece> oldestFirst) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(3 * Integer.BYTES + oldestFirst.size() * PageKey.BYTES)
            .putInt(MAGIC)
            .putInt(oldestFirst.size());
    byte[] key = new byte[PageKey.BYTES];
    for (PageKey.Piece page : oldestFirst) {
      page.page().write(0, page.count(), key);
      bytes.put(key);
    }
    bytes.putInt(checksum(bytes.array(), bytes.position()));
    OwnerOnlyFile.write(file, bytes.array());
  }

  /** Reads it; null if there is none, or none that is whole. */
  static @Nullable List<PageKey.Piece> read(Path file) throws IOException {
    byte[] content;
    try {
      content = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return null;
    }
    try {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      boolean known = bytes.getInt() == MAGIC;
      int count = bytes.getInt();
      List<PageKey.Piece> pages = new ArrayList<>();
      byte[] key = new byte[PageKey.BYTES];
      for (int i = 0; known && i < count; i++) {
        bytes.get(key);
        pages.add(PageKey.read(key));
      }
      int end = bytes.position();
      boolean whole = known && bytes.getInt() == checksum(content, end) && !bytes.hasRemaining();
      return whole ? pages : null;
    } catch (BufferUnderflowException e) {
      return null;
    }
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
