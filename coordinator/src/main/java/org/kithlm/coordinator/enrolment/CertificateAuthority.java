package org.kithlm.coordinator.enrolment;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.Identity;
import org.kithlm.node.security.Keys;
import org.kithlm.node.security.OwnerOnlyFile;

/** Signs the certificates of one cluster (RFC 5280), all on P-256. Thread-safe. */
public final class CertificateAuthority {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int SERIAL_BITS = 128;

  /** Clocks of devices that were just switched on may be behind. */
  private static final Duration CLOCK_SKEW = Duration.ofDays(1);

  private static final Duration ROOT_LIFETIME = Duration.ofDays(3650);

  /** A node gets a new certificate at each start. */
  private static final Duration NODE_LIFETIME = Duration.ofDays(365);

  private final PrivateKey key;
  private final X509Certificate root;

  /** As it is kept; both are Base64. */
  private record Kept(String key, String root) {}

  private CertificateAuthority(PrivateKey key, X509Certificate root) {
    this.key = key;
    this.root = root;
  }

  /** A new authority that is not kept. */
  public static CertificateAuthority create() {
    KeyPair keys = Keys.generate();
    X500Name name = name("KithLM cluster");
    Instant now = Instant.now();
    try {
      X509v3CertificateBuilder builder =
          builder(name, name, keys.getPublic(), now.plus(ROOT_LIFETIME))
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      return new CertificateAuthority(keys.getPrivate(), sign(builder, keys.getPrivate()));
    } catch (CertIOException e) {
      throw new IllegalStateException("cannot write a certificate of our own", e);
    }
  }

  /**
   * The authority that is kept in a file; made at the first time.
   *
   * @throws IOException if it can't be read or written
   */
  @SuppressWarnings("try") // the lock is only held
  public static CertificateAuthority open(Path file) throws IOException {
    try (LockFile lock = LockFile.of(file)) {
      if (Files.exists(file)) {
        Kept kept = MAPPER.readValue(Files.readAllBytes(file), Kept.class);
        Base64.Decoder base64 = Base64.getDecoder();
        return new CertificateAuthority(
            Keys.parsePrivate(base64.decode(kept.key())),
            Certificates.parse(base64.decode(kept.root())));
      }
      CertificateAuthority created = create();
      Base64.Encoder base64 = Base64.getEncoder();
      OwnerOnlyFile.write(
          file,
          MAPPER.writeValueAsBytes(
              new Kept(
                  base64.encodeToString(created.key.getEncoded()),
                  base64.encodeToString(created.root.getEncoded()))));
      return created;
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(file + " is damaged; remove it, all nodes must join again then", e);
    }
  }

  /** SHA-256 of the certificate that all others are signed with, in hexadecimal. */
  public String fingerprint() {
    try {
      return Certificates.fingerprint(root);
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read can be written", e);
    }
  }

  /**
   * A new identity for the process that leads the cluster; its key is never kept.
   *
   * @param host address that nodes reach it at
   */
  public Identity coordinator(String host) {
    KeyPair keys = Keys.generate();
    X509Certificate certificate =
        issue(
            "coordinator",
            host,
            Certificates.COORDINATOR_URN,
            keys.getPublic(),
            root.getNotAfter().toInstant());
    return new Identity(keys.getPrivate(), certificate, root);
  }

  /** A certificate for a node. */
  X509Certificate node(String id, String name, String host, PublicKey publicKey) {
    return issue(
        name,
        host,
        Certificates.NODE_URN_PREFIX + id,
        publicKey,
        Instant.now().plus(NODE_LIFETIME));
  }

  private X509Certificate issue(
      String name, String host, String urn, PublicKey publicKey, Instant end) {
    try {
      GeneralName[] names = {
        new GeneralName(addressType(host), host),
        new GeneralName(GeneralName.uniformResourceIdentifier, urn)
      };
      KeyPurposeId[] purposes = {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth};
      X500Name issuer = X500Name.getInstance(root.getSubjectX500Principal().getEncoded());
      X509v3CertificateBuilder builder =
          builder(issuer, name(name), publicKey, end)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes))
              .addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
      return sign(builder, key);
    } catch (CertIOException e) {
      throw new IllegalStateException("cannot write a certificate of our own", e);
    }
  }

  private static int addressType(String host) {
    try {
      InetAddress.ofLiteral(host);
      return GeneralName.iPAddress;
    } catch (IllegalArgumentException e) {
      return GeneralName.dNSName;
    }
  }

  private static X500Name name(String commonName) {
    return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, commonName).build();
  }

  private static X509v3CertificateBuilder builder(
      X500Name issuer, X500Name subject, PublicKey publicKey, Instant end) {
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(SERIAL_BITS, RANDOM).setBit(SERIAL_BITS - 1),
        Date.from(Instant.now().minus(CLOCK_SKEW)),
        Date.from(end),
        subject,
        publicKey);
  }

  private static X509Certificate sign(X509v3CertificateBuilder builder, PrivateKey key) {
    try {
      return Certificates.parse(
          builder.build(new JcaContentSignerBuilder(Keys.SIGNATURE).build(key)).getEncoded());
    } catch (OperatorCreationException | IOException | GeneralSecurityException e) {
      throw new IllegalStateException("cannot sign with a key of our own", e);
    }
  }
}
