package org.kithlm.coordinator.enrolment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.EnrolmentClient;
import org.kithlm.node.security.EnrolmentClient.Enrolled;
import org.kithlm.node.security.Identity;
import org.kithlm.node.security.IdentityFile;
import org.kithlm.node.security.JoinToken;
import org.kithlm.node.security.NotTrustedException;
import org.kithlm.node.security.RefusedException;

class NodeEndpointTest {
  private static final EnrolmentClient CLIENT = new EnrolmentClient("laptop", TestCluster.HOST);

  @SuppressWarnings("NullAway.Init") // set by JUnit
  @TempDir
  static Path folder;

  @SuppressWarnings("NullAway.Init") // set before all tests
  private static TestCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = new TestCluster(folder);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static String refusal(JoinToken token) {
    return String.valueOf(
        assertThrows(RefusedException.class, () -> CLIENT.enrol(token)).getMessage());
  }

  private static String distrust(JoinToken token) {
    return String.valueOf(
        assertThrows(NotTrustedException.class, () -> CLIENT.enrol(token)).getMessage());
  }

  private static HttpResponse<String> send(SSLContext tls, HttpRequest.Builder request)
      throws Exception {
    try (HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .sslContext(tls)
            .connectTimeout(Duration.ofSeconds(5))
            .build()) {
      return client.send(
          request.timeout(Duration.ofSeconds(20)).build(), HttpResponse.BodyHandlers.ofString());
    }
  }

  private static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(
        URI.create("https://%s:%d%s".formatted(TestCluster.HOST, cluster.endpoint.port(), path)));
  }

  private static HttpRequest.Builder runs(HttpRequest.Builder request, String json) {
    return request.POST(HttpRequest.BodyPublishers.ofString(json));
  }

  private static SSLContext stranger() throws Exception {
    return TestTls.context(cluster.identity.root(), null);
  }

  @Test
  void shouldAdmitADeviceAndServeItTheWeights() throws Exception {
    Enrolled first = cluster.enrol();
    assertEquals(cluster.controlPort(), first.controlPort());
    Enrolled next = CLIENT.renew(first.identity(), TestCluster.HOST, cluster.endpoint.port());
    assertNotEquals(first.identity().certificate(), next.identity().certificate());
    assertEquals(
        Certificates.nodeId(first.identity().certificate()),
        Certificates.nodeId(next.identity().certificate()));

    HttpResponse<String> part =
        send(cluster.tlsOf(next).toCoordinator(), runs(request("/pack"), "[4, 7, 0, 2]"));
    assertEquals(200, part.statusCode());
    assertEquals(TestCluster.PACK.substring(4, 11) + TestCluster.PACK.substring(0, 2), part.body());
  }

  @Test
  void shouldReadNothingButTheRunsThatAreAskedFor(@TempDir Path other) throws Exception {
    Enrolled node = cluster.enrol();
    NodeEndpoint.Running endpoint = cluster.endpoint(cluster.tls, other);
    long holeBytes = 1L << 40; // nobody reads through it before the deadline
    try (FileChannel pack =
        FileChannel.open(
            other.resolve("model.pack"), StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
      pack.write(ByteBuffer.wrap(TestCluster.PACK.getBytes(StandardCharsets.UTF_8)), holeBytes);
      HttpRequest.Builder request =
          HttpRequest.newBuilder(
              URI.create("https://%s:%d/pack".formatted(TestCluster.HOST, endpoint.port())));
      HttpResponse<String> part =
          send(
              cluster.tlsOf(node).toCoordinator(),
              runs(request, "[%d, 7, 0, 3]".formatted(holeBytes + 4)));
      assertEquals(200, part.statusCode());
      assertEquals(
          TestCluster.PACK.substring(4, 11) + TestCluster.PACK.substring(0, 3), part.body());
    } finally {
      endpoint.stop(Duration.ofMillis(1)).toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "null",
        "[]",
        "[0]",
        "[0, 0]",
        "[-1, 4]",
        "[4, -1]",
        "[0, 1000]",
        "[1000, 1]",
        "[9223372036854775807, 9223372036854775807]",
        "[0, 99999999999999999999]",
        "[\"/etc/passwd\", 1]"
      })
  void shouldRefuseWhatAreNoRunsOfThePack(String body) throws Exception {
    SSLContext member = cluster.tlsOf(cluster.enrol()).toCoordinator();
    try (TestTls.Log log = new TestTls.Log()) {
      HttpResponse<String> refused = send(member, runs(request("/pack"), body));
      assertEquals(400, refused.statusCode(), refused.body());
      log.await("refused a request of 127.0.0.1: ");
    }
  }

  @Test
  void shouldRefuseTooManyRuns() throws Exception {
    SSLContext member = cluster.tlsOf(cluster.enrol()).toCoordinator();
    HttpResponse<String> refused =
        send(member, runs(request("/pack"), "[" + "0,1,".repeat(256) + "0,1]"));
    assertEquals(400, refused.statusCode());
    assertTrue(refused.body().contains("257 runs; 256 are the most"), refused.body());
  }

  @Test
  void shouldRefuseAWrongToken() throws Exception {
    try (TestTls.Log log = new TestTls.Log()) {
      JoinToken token = cluster.token(false);
      JoinToken wrong =
          new JoinToken(token.host(), token.port(), token.fingerprint(), JoinToken.newSecret());
      String reason = refusal(wrong);
      assertTrue(reason.contains("is none of this cluster's"), reason);
      log.await("127.0.0.1: " + reason);
      assertFalse(log.has(wrong.secret()));
    }
  }

  @Test
  void shouldAdmitOneDeviceWithATokenThatIsNotReusable() throws Exception {
    JoinToken once = cluster.token(false);
    CLIENT.enrol(once);
    String reason = refusal(once);
    assertTrue(reason.contains("was used by another device"), reason);
    JoinToken often = cluster.token(true);
    CLIENT.enrol(often);
    CLIENT.enrol(often);
  }

  @Test
  void shouldRefuseAnExpiredToken() throws Exception {
    JoinToken token = cluster.token(false);
    cluster.now.updateAndGet(now -> now.plus(Duration.ofHours(1)));
    String reason = refusal(token);
    assertTrue(reason.contains("has expired"), reason);
  }

  @Test
  void shouldRefuseARevokedToken() throws Exception {
    JoinToken token = cluster.token(false);
    assertTrue(cluster.books.tokens().revoke(JoinTokens.id(token.secret())));
    String reason = refusal(token);
    assertTrue(reason.contains("was revoked"), reason);
  }

  @Test
  void shouldNotShowItsSecretToAnotherCluster() throws Exception {
    JoinToken token = cluster.token(false);
    JoinToken other =
        new JoinToken(
            token.host(),
            token.port(),
            CertificateAuthority.create().fingerprint(),
            token.secret());
    String reason = distrust(other);
    assertTrue(reason.contains("belongs to another cluster"), reason);
    CLIENT.enrol(token); // it was not used
  }

  @Test
  void shouldNotShowItsSecretToANodeInTheCoordinatorsPlace() throws Exception {
    Enrolled node = cluster.enrol();
    NodeEndpoint.Running impostor = cluster.endpoint(cluster.tlsOf(node), folder);
    JoinToken token = cluster.token(false);
    String reason =
        distrust(new JoinToken(token.host(), impostor.port(), token.fingerprint(), token.secret()));
    assertTrue(reason.contains("not the coordinator"), reason);
    CLIENT.enrol(token); // it was not used
  }

  @Test
  void shouldNotTrustACoordinatorAtAnotherAddress() throws Exception {
    JoinToken token = cluster.token(false);
    String reason =
        distrust(new JoinToken("localhost", token.port(), token.fingerprint(), token.secret()));
    assertTrue(reason.contains("localhost"), reason);
  }

  @Test
  void shouldKeepANodeDrainedThatComesBack() throws Exception {
    Enrolled node = cluster.enrol();
    String id = Certificates.nodeId(node.identity().certificate()).orElseThrow();
    assertEquals(1, cluster.books.nodes().drain(id, true));
    CLIENT.renew(node.identity(), TestCluster.HOST, cluster.endpoint.port());
    assertEquals(Set.of(id), cluster.books.nodes().excluded().drained());
    assertEquals(1, cluster.books.nodes().drain(id, false));
    assertEquals(Set.of(), cluster.books.nodes().excluded().drained());
  }

  @Test
  void shouldRefuseARemovedNode() throws Exception {
    Enrolled node = cluster.enrol();
    String id = Certificates.nodeId(node.identity().certificate()).orElseThrow();
    assertEquals(1, cluster.books.nodes().remove(id));
    assertEquals(Set.of(id), cluster.books.nodes().excluded().removed());
    cluster.revoked.replace(Set.of(id));

    RefusedException refused =
        assertThrows(
            RefusedException.class,
            () -> CLIENT.renew(node.identity(), TestCluster.HOST, cluster.endpoint.port()));
    assertEquals(RefusedException.REMOVED, refused.getMessage());
    HttpResponse<String> pack =
        send(cluster.tlsOf(node).toCoordinator(), runs(request("/pack"), "[0, 1]"));
    assertEquals(403, pack.statusCode());
    assertTrue(pack.body().contains("was removed"), pack.body());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/pack", "/renew"})
  void shouldRefuseWhoShowsNoCertificate(String path) throws Exception {
    try (TestTls.Log log = new TestTls.Log()) {
      HttpResponse<String> refused = send(stranger(), runs(request(path), "[0, 1]"));
      assertEquals(403, refused.statusCode());
      log.await("it showed no certificate of this cluster");
    }
  }

  @Test
  void shouldRefuseACertificateOfAnotherCluster() throws Exception {
    Identity other = CertificateAuthority.create().coordinator(TestCluster.HOST);
    try (TestTls.Log log = new TestTls.Log()) {
      SSLContext tls = TestTls.context(cluster.identity.root(), other);
      assertThrows(IOException.class, () -> send(tls, request("/pack")));
      log.await("refused a connection: (certificate_unknown) PKIX path");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/../../../../etc/passwd",
        "/pack/../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/pack/%2e%2e/model.pack",
        "/model.pack"
      })
  void shouldServeNothingButThePack(String path) throws Exception {
    SSLContext member = cluster.tlsOf(cluster.enrol()).toCoordinator();
    HttpResponse<String> answer = send(member, request(path));
    assertEquals(404, answer.statusCode(), answer.body());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "null",
        "\"\"",
        "{}",
        "{\"name\":\"../../x\",\"host\":\"h\"}",
        "{\"name\":\"a\\nb\",\"host\":\"127.0.0.1\",\"publicKey\":\"AA\",\"signature\":\"AA\"}",
        "{\"name\":\"a\",\"host\":\"a b\",\"publicKey\":\"AA\",\"signature\":\"AA\"}",
        "{\"name\":\"a\",\"host\":\"h\",\"publicKey\":\"AA\",\"signature\":\"AA\"}",
        "{\"name\":\"a\",\"host\":\"h\",\"publicKey\":\"?\",\"signature\":\"AA\",\"secret\":\"\"}"
      })
  void shouldRefuseAMalformedRequest(String body) throws Exception {
    try (TestTls.Log log = new TestTls.Log()) {
      HttpResponse<String> answer =
          send(stranger(), request("/enrol").POST(HttpRequest.BodyPublishers.ofString(body)));
      assertTrue(Set.of(400, 403).contains(answer.statusCode()), answer.body());
      log.await("refused a request of 127.0.0.1: ");
    }
    cluster.enrol();
  }

  @Test
  void shouldRefuseAKeyThatIsNotTheSenders() throws Exception {
    String secret = cluster.token(false).secret();
    String body =
        """
        {"name": "a", "host": "h", "publicKey": "%s", "signature": "MAYCAQECAQE=", "secret": "%s"}
        """
            .formatted(
                java.util.Base64.getEncoder()
                    .encodeToString(cluster.identity.certificate().getPublicKey().getEncoded()),
                secret);
    HttpResponse<String> answer =
        send(stranger(), request("/enrol").POST(HttpRequest.BodyPublishers.ofString(body)));
    assertEquals(403, answer.statusCode());
    assertTrue(answer.body().contains("not signed by the owner"), answer.body());
  }

  @Test
  void shouldRefuseARequestThatIsTooLong() throws Exception {
    try (TestTls.Log log = new TestTls.Log()) {
      String body = "{\"name\":\"" + "x".repeat(100_000) + "\"}";
      HttpResponse<String> answer =
          send(stranger(), request("/enrol").POST(HttpRequest.BodyPublishers.ofString(body)));
      assertEquals(400, answer.statusCode());
      log.await("did not come whole, in 8192 bytes");
      HttpResponse<String> head =
          send(stranger(), request("/enrol").header("X-Long", "x".repeat(10_000)));
      assertTrue(head.statusCode() >= 400, head.toString());
      log.await("refused a request: ");
    } catch (IOException e) {
      // A server may also hang up on a client that still writes.
      assertFalse(String.valueOf(e.getMessage()).isEmpty());
    }
    cluster.enrol();
  }

  @Test
  void shouldGiveACopiedFolderAnIdentityOfItsOwn() throws Exception {
    Path file = folder.resolve("identity.json");
    IdentityFile identities = new IdentityFile(file);
    Identity identity = cluster.enrol().identity();
    identities.write(new IdentityFile.Kept(identity, TestCluster.HOST, 1, "hash"));
    IdentityFile.Kept kept = identities.read().orElseThrow();
    assertEquals(identity.certificate(), kept.identity().certificate());
    assertEquals(identity.key(), kept.identity().key());
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));

    // As on a device with another machine id.
    Files.writeString(
        file, Files.readString(file).replaceFirst("\"device\":\"....", "\"device\":\"0000"));
    RefusedException refused = assertThrows(RefusedException.class, identities::read);
    assertTrue(String.valueOf(refused.getMessage()).contains("on another device"));

    Files.writeString(file, "{");
    IOException damaged = assertThrows(IOException.class, identities::read);
    assertTrue(String.valueOf(damaged.getMessage()).contains("is damaged"));
  }
}
