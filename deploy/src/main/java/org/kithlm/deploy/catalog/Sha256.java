package org.kithlm.deploy.catalog;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of files. */
final class Sha256 {
  private Sha256() {}

  static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** Lower-case hexadecimal. */
  static String of(Path file, Progress progress) throws IOException {
    MessageDigest digest = digest();
    progress.begin("checking", 0, Files.size(file));
    try (InputStream input = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 20];
      long doneBytes = 0;
      int length;
      while ((length = input.read(buffer)) >= 0) {
        digest.update(buffer, 0, length);
        doneBytes += length;
        progress.advance(doneBytes);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
