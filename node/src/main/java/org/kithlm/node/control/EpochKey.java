package org.kithlm.node.control;

import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * The key that seals what the ranks of one epoch send each other. It is told to nodes over the
 * control plane and shows in no log.
 *
 * @param bytes 128 random bits; copied
 */
public record EpochKey(byte[] bytes) {
  private static final int LENGTH_BYTES = 16;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Checks the length. */
  public EpochKey {
    if (bytes.length != LENGTH_BYTES) {
      throw new IllegalArgumentException(
          "epoch key has " + bytes.length + " bytes, needs " + LENGTH_BYTES);
    }
    bytes = bytes.clone();
  }

  /** A new key. */
  public static EpochKey create() {
    byte[] bytes = new byte[LENGTH_BYTES];
    RANDOM.nextBytes(bytes);
    return new EpochKey(bytes);
  }

  @Override
  public byte[] bytes() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EpochKey key && MessageDigest.isEqual(bytes, key.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "EpochKey[redacted]";
  }
}
