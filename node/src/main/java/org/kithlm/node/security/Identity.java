package org.kithlm.node.security;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;

/**
 * A process's key, its certificate, and the root certificate of its cluster. Immutable.
 *
 * @param key private key on P-256
 * @param certificate issued for it by the cluster
 * @param root what all certificates of the cluster are signed with
 */
public record Identity(PrivateKey key, X509Certificate certificate, X509Certificate root) {
  private static final String ALIAS = "kith";

  /** Fingerprint of the cluster's root certificate, which names the cluster. */
  public String clusterFingerprint() {
    try {
      return Certificates.fingerprint(root);
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read can be written", e);
    }
  }

  /** Proves the identity in TLS handshakes, with the root certificate, for those who pin it. */
  KeyManager[] keyManagers() {
    try {
      // In memory only, so the format does not matter; PKCS12 would take 100 ms to derive a key.
      KeyStore store = KeyStore.getInstance("JKS");
      store.load(null, null);
      store.setKeyEntry(ALIAS, key, new char[0], new Certificate[] {certificate, root});
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, new char[0]);
      return factory.getKeyManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("cannot use the certificate of this process", e);
    }
  }

  /** Without the key. */
  @Override
  public String toString() {
    return "identity " + certificate.getSubjectX500Principal();
  }
}
