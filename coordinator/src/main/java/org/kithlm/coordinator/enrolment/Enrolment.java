package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.regex.Pattern;
import org.kithlm.node.security.EnrolmentRequest;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.Keys;
import org.kithlm.node.security.RefusedException;

/** Decides on requests for certificates. Thread-safe; calls touch files. */
final class Enrolment {
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N} ._-]{0,63}");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.:-]{1,253}");

  private final ClusterBooks books;

  Enrolment(ClusterBooks books) {
    this.books = books;
  }

  /**
   * Takes in a device that has a join token.
   *
   * @throws RefusedException if the token is not valid, or the request is malformed
   */
  X509Certificate enrol(EnrolmentRequest request) throws IOException, RefusedException {
    requireForm(request);
    if (request.secret() == null) {
      throw new RefusedException("the request has no secret of a join token");
    }
    books.tokens().redeem(request.secret());
    String id = JoinToken.newSecret();
    X509Certificate certificate = certificate(id, request);
    books.nodes().add(entry(id, request, certificate));
    return certificate;
  }

  /**
   * Gives a node its next certificate.
   *
   * @param id as its certificate says
   * @throws RefusedException if it was removed, or the request is malformed
   */
  X509Certificate renew(String id, EnrolmentRequest request) throws IOException, RefusedException {
    requireForm(request);
    X509Certificate certificate = certificate(id, request);
    books.nodes().renew(entry(id, request, certificate));
    return certificate;
  }

  /** Jackson leaves out what a request lacks, whatever the types say. */
  @SuppressWarnings("ConstantValue")
  private static void requireForm(EnrolmentRequest request) throws RefusedException {
    if (request.name() == null || !NAME.matcher(request.name()).matches()) {
      throw new RefusedException(
          "the device's name must be up to 64 letters, digits, spaces and ._-, and begin with a"
              + " letter or digit; choose one with --name");
    }
    if (request.host() == null || !HOST.matcher(request.host()).matches()) {
      throw new RefusedException("the device's address is neither an IP address nor a host name");
    }
    if (request.publicKey() == null || request.signature() == null) {
      throw new RefusedException("the request has no key or no signature");
    }
  }

  private X509Certificate certificate(String id, EnrolmentRequest request) throws RefusedException {
    try {
      Base64.Decoder base64 = Base64.getDecoder();
      PublicKey key = Keys.parsePublic(base64.decode(request.publicKey()));
      if (!Keys.verifies(key, request.signedText(), base64.decode(request.signature()))) {
        throw new RefusedException("the request is not signed by the owner of its key");
      }
      return books.authority().node(id, request.name(), request.host(), key);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new RefusedException("the request's key or signature is malformed");
    }
  }

  private static NodeRegister.Entry entry(
      String id, EnrolmentRequest request, X509Certificate certificate) {
    return new NodeRegister.Entry(
        id,
        request.name(),
        request.host(),
        certificate.getNotAfter().toInstant().getEpochSecond(),
        false,
        false);
  }
}
