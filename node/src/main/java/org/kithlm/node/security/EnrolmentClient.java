package org.kithlm.node.security;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.KeyPair;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** Asks a coordinator for a certificate, each time for a new key. Thread-safe. */
public final class EnrolmentClient {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final int OK = 200;

  private final String name;
  private final String host;

  /**
   * Where the cluster is, and who one is there.
   *
   * @param identity of this process
   * @param controlHost address of the control plane
   * @param controlPort its TCP port
   */
  public record Enrolled(Identity identity, String controlHost, int controlPort) {}

  /**
   * For a device.
   *
   * @param name what the user calls it
   * @param host address that the other processes reach it at
   */
  public EnrolmentClient(String name, String host) {
    this.name = name;
    this.host = host;
  }

  /**
   * Gets the first certificate, by a token.
   *
   * @throws RefusedException if the token is refused
   * @throws NotTrustedException if what answers is not the token's coordinator; it has not got the
   *     secret
   * @throws IOException if there is no answer
   */
  public Enrolled enrol(JoinToken token)
      throws IOException, RefusedException, InterruptedException {
    return ask(
        token.host(),
        token.port(),
        EnrolmentRequest.ENROL_PATH,
        CoordinatorTrust.context(token.fingerprint(), null),
        token.secret());
  }

  /**
   * Gets the next certificate, by the one before.
   *
   * @throws RefusedException if that is refused
   * @throws NotTrustedException if what answers is not the cluster's coordinator
   * @throws IOException if there is no answer
   */
  public Enrolled renew(Identity identity, String joinHost, int joinPort)
      throws IOException, RefusedException, InterruptedException {
    return ask(
        joinHost,
        joinPort,
        EnrolmentRequest.RENEW_PATH,
        CoordinatorTrust.context(identity.clusterFingerprint(), identity),
        null);
  }

  private Enrolled ask(
      String joinHost, int joinPort, String path, SSLContext tls, @Nullable String secret)
      throws IOException, RefusedException, InterruptedException {
    KeyPair keys = Keys.generate();
    URI uri =
        URI.create(
            "https://%s:%d/%s"
                .formatted(
                    joinHost.indexOf(':') >= 0 ? "[" + joinHost + "]" : joinHost, joinPort, path));
    byte[] body = MAPPER.writeValueAsBytes(EnrolmentRequest.of(name, host, keys, secret));
    HttpResponse<byte[]> response = send(uri, tls, body);
    if (response.statusCode() != OK) {
      throw new RefusedException(
          MAPPER.readValue(response.body(), EnrolmentRequest.Refusal.class).reason());
    }
    EnrolmentRequest.Answer answer =
        MAPPER.readValue(response.body(), EnrolmentRequest.Answer.class);
    try {
      X509Certificate certificate =
          Certificates.parse(Base64.getDecoder().decode(answer.certificate()));
      return new Enrolled(
          new Identity(keys.getPrivate(), certificate, root(response)),
          answer.controlHost(),
          answer.controlPort());
    } catch (CertificateException | IllegalArgumentException e) {
      throw new IOException(uri.getAuthority() + " sent no certificate: " + e.getMessage(), e);
    }
  }

  private static HttpResponse<byte[]> send(URI uri, SSLContext tls, byte[] body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build();
    HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .sslContext(tls)
            .sslParameters(new SSLParameters(null, new String[] {ClusterTls.PROTOCOL}))
            .build();
    try {
      CompletableFuture<HttpResponse<byte[]>> response =
          client.sendAsync(
              request,
              BodyHandlers.limiting(BodyHandlers.ofByteArray(), EnrolmentRequest.MAX_BYTES));
      return response.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IOException(
          uri.getAuthority() + " did not answer within " + TIMEOUT.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw failure(uri, e);
    } finally {
      client.shutdownNow();
    }
  }

  private static IOException failure(URI uri, ExecutionException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateException) {
        return new NotTrustedException(
            "what answers at " + uri.getAuthority() + " is not trusted: " + cause.getMessage());
      }
    }
    Throwable cause = failure.getCause();
    String message = cause == null ? null : cause.getMessage();
    return new IOException(
        "cannot reach " + uri.getAuthority() + (message == null ? "" : ": " + message), cause);
  }

  /** What was pinned, as the handshake brought it. */
  private static X509Certificate root(HttpResponse<?> response) throws IOException {
    SSLSession session =
        response.sslSession().orElseThrow(() -> new IOException("an answer without TLS"));
    Certificate[] chain = session.getPeerCertificates();
    return (X509Certificate) chain[chain.length - 1];
  }
}
