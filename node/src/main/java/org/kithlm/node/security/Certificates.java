package org.kithlm.node.security;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a cluster's certificates say. Each has two subject alternative names: the address of its
 * process, and a URN with its part in the cluster.
 */
public final class Certificates {
  /** URN of the process that leads the cluster. */
  public static final String COORDINATOR_URN = "urn:kith:coordinator";

  /** URN of a node, followed by its id. */
  public static final String NODE_URN_PREFIX = "urn:kith:node:";

  // RFC 5280, 4.2.1.6: choices of GeneralName
  private static final int DNS_NAME = 2;
  private static final int URI_NAME = 6;
  private static final int IP_ADDRESS = 7;

  private Certificates() {}

  /**
   * Reads a certificate in DER.
   *
   * @throws CertificateException if it is none
   */
  public static X509Certificate parse(byte[] der) throws CertificateException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
  }

  /** SHA-256 of a certificate in hexadecimal. */
  public static String fingerprint(X509Certificate certificate)
      throws CertificateEncodingException {
    return sha256(certificate.getEncoded());
  }

  /** SHA-256 of a text in hexadecimal. */
  public static String sha256(String text) {
    return sha256(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The id of the node that a certificate was issued to; empty for other certificates. */
  public static Optional<String> nodeId(X509Certificate certificate) {
    return urns(certificate)
        .filter(urn -> urn.startsWith(NODE_URN_PREFIX))
        .map(urn -> urn.substring(NODE_URN_PREFIX.length()))
        .findFirst();
  }

  /** Whether a certificate was issued to the process that leads its cluster. */
  public static boolean isCoordinator(X509Certificate certificate) {
    return urns(certificate).anyMatch(COORDINATOR_URN::equals);
  }

  /** The address of the process that a certificate was issued to. */
  static String host(X509Certificate certificate) {
    return Stream.concat(names(certificate, DNS_NAME), names(certificate, IP_ADDRESS))
        .findFirst()
        .orElse("no address");
  }

  private static Stream<String> urns(X509Certificate certificate) {
    return names(certificate, URI_NAME);
  }

  private static Stream<String> names(X509Certificate certificate, int kind) {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      return names == null
          ? Stream.empty()
          : names.stream()
              .filter(name -> name.get(0).equals(kind))
              .map(name -> String.valueOf(name.get(1)));
    } catch (CertificateParsingException e) {
      return Stream.empty(); // so it has no part in any cluster
    }
  }
}
