package org.kithlm.deploy.catalog;

import java.util.HexFormat;
import java.util.Random;

/** Stand-ins for GGUF files. */
final class Bytes {
  private Bytes() {}

  static byte[] random(long seed, int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(Sha256.digest().digest(bytes));
  }
}
