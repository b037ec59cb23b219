package org.kithlm.coordinator.enrolment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.coordinator.membership.CoordinatorActor;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.security.Certificates;
import org.kithlm.node.security.EnrolmentClient.Enrolled;
import org.kithlm.node.security.Identity;

/** Who may talk to the actors, and with which messages. */
class ControlPlaneTest {
  private static final int PATIENCE_MS = 20_000;

  /** The head of an Artery connection: magic and stream id. */
  private static final byte[] ARTERY_HEAD = "AKKA\1".getBytes(StandardCharsets.ISO_8859_1);

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

  /** Whether the coordinator hangs up on a connection in the end. */
  private static boolean hangsUp(Socket socket, int timeoutMs) throws IOException {
    return hangsUp(socket, timeoutMs, ARTERY_HEAD);
  }

  private static boolean hangsUp(Socket socket, int timeoutMs, byte[] sent) throws IOException {
    socket.setSoTimeout(timeoutMs);
    try {
      socket.getOutputStream().write(sent);
      socket.getOutputStream().flush();
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true; // reset, or a TLS alert
    }
  }

  private static boolean hangsUp(SSLContext tls, String... protocols) throws IOException {
    try (SSLSocket socket = connect(tls)) {
      if (protocols.length > 0) {
        socket.setEnabledProtocols(protocols);
      }
      return hangsUp(socket, PATIENCE_MS);
    }
  }

  private static SSLSocket connect(SSLContext tls) throws IOException {
    return (SSLSocket) tls.getSocketFactory().createSocket(TestCluster.HOST, cluster.controlPort());
  }

  @Test
  void shouldTalkToAMember() throws Exception {
    assertTalksToAMember();
  }

  private static void assertTalksToAMember() throws Exception {
    Identity member = cluster.enrol().identity();
    try (SSLSocket socket = connect(TestTls.context(cluster.identity.root(), member))) {
      assertFalse(hangsUp(socket, 500)); // there is nothing to read, but the line stays open
      assertEquals("TLSv1.3", socket.getSession().getProtocol());
    }
  }

  @Test
  void shouldRefusePlainText() throws Exception {
    try (TestTls.Log log = new TestTls.Log();
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), cluster.controlPort())) {
      assertTrue(hangsUp(socket, PATIENCE_MS));
      log.await("refused a connection: ");
    }
  }

  @Test
  void shouldRefuseWhoShowsNoCertificate() throws Exception {
    try (TestTls.Log log = new TestTls.Log()) {
      assertTrue(hangsUp(TestTls.context(cluster.identity.root(), null)));
      log.await("Empty client certificate chain");
    }
  }

  @Test
  void shouldRefuseACertificateOfAnotherCluster() throws Exception {
    Identity other = CertificateAuthority.create().coordinator(TestCluster.HOST);
    try (TestTls.Log log = new TestTls.Log()) {
      assertTrue(hangsUp(TestTls.context(cluster.identity.root(), other)));
      log.await("refused a connection: (certificate_unknown) PKIX path");
    }
  }

  @Test
  void shouldRefuseAnOlderTls() throws Exception {
    Identity member = cluster.enrol().identity();
    try (TestTls.Log log = new TestTls.Log()) {
      assertTrue(hangsUp(TestTls.context(cluster.identity.root(), member), "TLSv1.2"));
      log.await("refused a connection: (protocol_version)");
    }
  }

  @Test
  void shouldRefuseARemovedNode() throws Exception {
    Enrolled node = cluster.enrol();
    String id = Certificates.nodeId(node.identity().certificate()).orElseThrow();
    cluster.revoked.replace(Set.of(id));
    try (TestTls.Log log = new TestTls.Log()) {
      assertTrue(hangsUp(TestTls.context(cluster.identity.root(), node.identity())));
      log.await("node " + id + " was removed from the cluster");
    } finally {
      cluster.revoked.replace(Set.of());
    }
  }

  /** A connection's head and a frame: its length, little-endian, and that many bytes or fewer. */
  private static byte[] frame(String kind) {
    int bytes = kind.equals("too long") ? 300 << 10 : 256; // the longest that we send has 256 KiB
    ByteBuffer frame =
        ByteBuffer.allocate(ARTERY_HEAD.length + Integer.BYTES + bytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(ARTERY_HEAD);
    frame.putInt(
        switch (kind) {
          case "without end" -> Integer.MAX_VALUE;
          case "of negative length" -> -1;
          default -> bytes;
        });
    if (!kind.equals("of zeros")) {
      byte[] noise = new byte[bytes];
      new Random(7).nextBytes(noise);
      frame.put(noise);
    }
    return frame.array();
  }

  /** More often than Pekko's default lets a stream fail before it ends the actor system. */
  @ParameterizedTest
  @ValueSource(strings = {"without end", "of negative length", "of zeros", "of noise", "too long"})
  void shouldOutliveMalformedFramesOfAMember(String kind) throws Exception {
    Identity identity = cluster.enrol().identity();
    SSLContext member = TestTls.context(cluster.identity.root(), identity);
    try (TestTls.Log log = new TestTls.Log()) {
      for (int i = 0; i < 10; i++) {
        try (SSLSocket socket = connect(member)) {
          hangsUp(socket, 200, frame(kind)); // or waits for more, and we do
        }
      }
      String refused =
          "refused a connection of node %s at 127.0.0.1: "
              .formatted(Certificates.nodeId(identity.certificate()).orElseThrow());
      switch (kind) {
        case "without end" -> log.await(refused + "a frame has a length of 2147483647 bytes");
        case "of negative length" -> log.await(refused + "a frame has a length of -1 bytes");
        case "too long" -> log.await(refused + "a frame has a length of 307200 bytes");
        case "of noise" -> log.await(refused + "a frame's header has version ");
        default -> assertFalse(log.has(refused)); // nobody is meant, so Pekko drops it
      }
    }
    assertFalse(cluster.system.getWhenTerminated().toCompletableFuture().isDone());
    assertTalksToAMember();
  }

  @Test
  void shouldSendEveryMessageBetweenCoordinatorAndNodes() throws Exception {
    Serialization serialization = SerializationExtension.get(cluster.system);
    for (Class<?> family : new Class<?>[] {CoordinatorMessage.class, NodeMessage.class}) {
      for (Class<?> message : family.getDeclaredClasses()) {
        if (family.isAssignableFrom(message)) {
          assertEquals(
              "JacksonCborSerializer",
              serialization.serializerFor(message).getClass().getSimpleName(),
              message.getName());
        }
      }
    }
  }

  @Test
  void shouldRefuseMessagesThatAreOnlyForItself() throws Exception {
    Serialization serialization = SerializationExtension.get(cluster.system);
    Object stop = new CoordinatorActor.Stop("by a stranger", new CompletableFuture<>());
    assertTrue(serialization.serialize(stop).isFailure());
    int cbor = serialization.serializerFor(NodeMessage.Shutdown.class).identifier();
    byte[] map = {(byte) 0xA0}; // an empty object in CBOR
    assertTrue(
        serialization.deserialize(map, cbor, NodeMessage.Shutdown.class.getName()).isSuccess());
    for (Class<?> refused :
        new Class<?>[] {CoordinatorActor.Stop.class, ProcessBuilder.class, Object.class}) {
      assertTrue(serialization.deserialize(map, cbor, refused.getName()).isFailure());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"java.util.ArrayList", "java.util.HashMap"})
  void shouldNotUseJavaSerialization(String type) throws Exception {
    Object value = Class.forName(type).getConstructor().newInstance();
    Serialization serialization = SerializationExtension.get(cluster.system);
    assertTrue(serialization.serialize(value).isFailure());
    assertFalse(
        cluster.system.settings().config().getBoolean("pekko.actor.allow-java-serialization"));
    assertThrows(
        RuntimeException.class,
        () -> serialization.deserialize(new byte[] {(byte) 0xAC, (byte) 0xED}, 1, type).get());
  }
}
