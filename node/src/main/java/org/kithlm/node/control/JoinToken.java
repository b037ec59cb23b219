package org.kithlm.node.control;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secret that a cluster's nodes share. It is never sent: a node proves it by an HMAC-SHA-256
 * over the coordinator's nonce. Immutable.
 */
public final class JoinToken {
  private static final int SECRET_BYTES = 16;
  private static final int MIN_LENGTH = 8;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final String secret;

  private JoinToken(String secret) {
    this.secret = secret;
  }

  /** A new token of 128 random bits. */
  public static JoinToken create() {
    return new JoinToken(randomHex(SECRET_BYTES));
  }

  /**
   * A token that a user gave.
   *
   * @throws IllegalArgumentException if it is too short to be a secret
   */
  public static JoinToken of(String secret) {
    if (secret.length() < MIN_LENGTH) {
      throw new IllegalArgumentException(
          "join token has " + secret.length() + " characters, needs at least " + MIN_LENGTH);
    }
    return new JoinToken(secret);
  }

  /** A fresh nonce for a challenge. */
  public static String nonce() {
    return randomHex(SECRET_BYTES);
  }

  /** Hex HMAC of the fields, each preceded by its length so that no two field lists look alike. */
  public String proof(String nonce, String name, String host) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      for (String field : new String[] {nonce, name, host}) {
        byte[] bytes = field.getBytes(StandardCharsets.UTF_8);
        mac.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
        mac.update(bytes);
      }
      return HexFormat.of().formatHex(mac.doFinal());
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new IllegalStateException("every JDK has HmacSHA256", e);
    }
  }

  /** Whether a proof is right, in time that does not depend on where it differs. */
  public boolean verifies(String proof, String nonce, String name, String host) {
    return MessageDigest.isEqual(
        proof.getBytes(StandardCharsets.UTF_8),
        proof(nonce, name, host).getBytes(StandardCharsets.UTF_8));
  }

  /** The secret, to be shown to the user who starts the cluster. */
  public String secret() {
    return secret;
  }

  private static String randomHex(int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
