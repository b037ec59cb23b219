package org.kithlm.node.security;

import java.security.KeyPair;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * A certificate signing request, sent as JSON over TLS. The signature proves that the sender has
 * the private key; what the certificate says is up to the coordinator.
 *
 * @param name what the user calls the device
 * @param host address that the other processes reach it at
 * @param publicKey on P-256, as X.509 writes it, in Base64
 * @param signature of {@link #signedText} by that key, in Base64
 * @param secret of a join token; null from a node that shows its certificate instead
 */
public record EnrolmentRequest(
    String name, String host, String publicKey, String signature, @Nullable String secret) {
  /** Path that takes requests with a secret. */
  public static final String ENROL_PATH = "enrol";

  /** Path that takes requests of nodes that have a certificate. */
  public static final String RENEW_PATH = "renew";

  /** Path of the pack file. */
  public static final String PACK_PATH = "pack";

  /** Longest request and answer in bytes; real ones have less than 2 KiB. */
  public static final int MAX_BYTES = 8192;

  /**
   * What the coordinator answers.
   *
   * @param certificate in Base64
   * @param controlHost address of the control plane
   * @param controlPort its TCP port
   */
  public record Answer(String certificate, String controlHost, int controlPort) {}

  /**
   * Why the coordinator refused.
   *
   * @param reason for the user
   */
  public record Refusal(String reason) {}

  /** A request for a certificate of one's own key. */
  static EnrolmentRequest of(String name, String host, KeyPair keys, @Nullable String secret) {
    String publicKey = Base64.getEncoder().encodeToString(keys.getPublic().getEncoded());
    byte[] signature = Keys.sign(keys.getPrivate(), signedText(name, host, publicKey));
    return new EnrolmentRequest(
        name, host, publicKey, Base64.getEncoder().encodeToString(signature), secret);
  }

  /** What is signed. */
  public String signedText() {
    return signedText(name, host, publicKey);
  }

  private static String signedText(String name, String host, String publicKey) {
    return String.join("\n", "kith enrolment", name, host, publicKey);
  }

  /** Without the secret, as logs are shown around. */
  @Override
  public String toString() {
    return "enrolment of " + name + " at " + host;
  }
}
