package org.kithlm.node.security;

import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.KeyManagementException;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Trusts the coordinator of one cluster and nobody else, not even its nodes. The root certificate
 * comes with the handshake and is known by its fingerprint. The JDK adds the check of the address,
 * as this is no X509ExtendedTrustManager. Thread-safe.
 */
final class CoordinatorTrust implements X509TrustManager {
  private final String fingerprint;

  private CoordinatorTrust(String fingerprint) {
    this.fingerprint = fingerprint;
  }

  /**
   * TLS to a coordinator.
   *
   * @param fingerprint of the cluster's root certificate
   * @param identity what to show it, null for nothing
   */
  static SSLContext context(String fingerprint, @Nullable Identity identity) {
    try {
      SSLContext context = SSLContext.getInstance(ClusterTls.PROTOCOL);
      context.init(
          identity == null ? new KeyManager[0] : identity.keyManagers(),
          new TrustManager[] {new CoordinatorTrust(fingerprint)},
          null);
      return context;
    } catch (NoSuchAlgorithmException | KeyManagementException e) {
      throw new IllegalStateException("every JDK has " + ClusterTls.PROTOCOL, e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    X509Certificate root = chain[chain.length - 1];
    String found = Certificates.fingerprint(root);
    if (!found.equals(fingerprint)) {
      throw new CertificateException(
          "it belongs to another cluster: its root certificate is "
              + found
              + ", expected "
              + fingerprint);
    }
    if (chain.length != 2 || !Certificates.isCoordinator(chain[0])) {
      throw new CertificateException("it is not the coordinator of the cluster");
    }
    try {
      PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
      parameters.setRevocationEnabled(false); // a coordinator's certificate lives as long as it
      CertPathValidator.getInstance("PKIX")
          .validate(
              CertificateFactory.getInstance("X.509").generateCertPath(List.of(chain[0])),
              parameters);
    } catch (InvalidAlgorithmParameterException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK validates X.509", e);
    } catch (GeneralSecurityException e) {
      throw new CertificateException("its certificate is not valid: " + e.getMessage(), e);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw new CertificateException("only for connections to a coordinator");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
