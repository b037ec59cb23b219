package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.enrolment.TestCluster;
import org.kithlm.coordinator.enrolment.TestTls;
import org.kithlm.deploy.ExitCode;
import org.kithlm.deploy.KithException;
import org.kithlm.deploy.discovery.Discovery;
import org.kithlm.deploy.discovery.JoinAddress;
import org.kithlm.node.security.IdentityFile;
import org.kithlm.node.security.JoinToken;

/** Whom a device asks for its certificate, where the coordinator is not at its address any more. */
class AdmissionTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final Discovery NOT_NEEDED =
      (fingerprint, lost) -> {
        throw new AssertionError("asked the network for " + lost);
      };

  @TempDir Path folder;

  private final List<String> notes = new ArrayList<>();

  private IdentityFile file() {
    return new IdentityFile(folder.resolve("identity.json"));
  }

  private Admission admission(Duration timeout, Discovery discovery) {
    return new Admission(file(), "laptop", TestCluster.HOST, timeout, discovery, notes::add);
  }

  private static JoinAddress addressOf(TestCluster cluster) {
    return new JoinAddress(TestCluster.HOST, cluster.endpoint.port());
  }

  /** A token for an address where nobody is. */
  private static JoinToken stale(TestCluster cluster) throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      return cluster.token(false).at(TestCluster.HOST, free.getLocalPort());
    }
  }

  @Test
  void shouldFindItsCoordinatorAmongOthersAndRememberWhereItIs(@TempDir Path packs)
      throws Exception {
    try (TestCluster cluster = new TestCluster(packs);
        TestCluster impostor = new TestCluster(packs);
        TestTls.Log log = new TestTls.Log()) {
      JoinToken token = stale(cluster);
      Discovery discovery =
          (fingerprint, lost) -> {
            assertEquals(token.fingerprint(), fingerprint);
            assertEquals(new JoinAddress(token.host(), token.port()), lost);
            return List.of(addressOf(impostor), addressOf(cluster));
          };
      admission(PATIENCE, discovery).admit(token);

      log.await("not joining " + addressOf(impostor) + ", which mDNS named: ");
      assertTrue(log.has("it belongs to another cluster"));
      assertEquals(
          List.of(
              "the coordinator was at %s:%d, mDNS found it at %s"
                  .formatted(token.host(), token.port(), addressOf(cluster))),
          notes);
      IdentityFile.Kept kept = file().read().orElseThrow();
      assertEquals(addressOf(cluster), new JoinAddress(kept.joinHost(), kept.joinPort()));

      admission(PATIENCE, NOT_NEEDED).admit(null);
      admission(PATIENCE, NOT_NEEDED).admit(token); // it was used, by this device
    }
  }

  @Test
  void shouldTellOnceThatTheNetworkCannotBeAsked(@TempDir Path packs) throws Exception {
    try (TestCluster cluster = new TestCluster(packs)) {
      JoinToken token = stale(cluster);
      Admission admission =
          admission(
              Duration.ofSeconds(2),
              (fingerprint, lost) -> {
                throw new IOException("no multicast");
              });
      KithException failure = assertThrows(KithException.class, () -> admission.admit(token));
      assertEquals(ExitCode.UNREACHABLE, failure.exitCode());
      assertEquals(
          List.of(
              "cannot ask the network by mDNS (no multicast); looking only at %s:%d"
                  .formatted(token.host(), token.port())),
          notes);
    }
  }

  @Test
  void shouldBeRefusedWhereOnlyOthersAnswer(@TempDir Path packs) throws Exception {
    try (TestCluster cluster = new TestCluster(packs);
        TestCluster impostor = new TestCluster(packs)) {
      JoinToken token = cluster.token(false).at(TestCluster.HOST, impostor.endpoint.port());
      Admission admission = admission(PATIENCE, (fingerprint, lost) -> List.of());
      KithException failure = assertThrows(KithException.class, () -> admission.admit(token));
      assertEquals(ExitCode.NOT_AUTHORISED, failure.exitCode());
      assertTrue(
          String.valueOf(failure.getMessage()).contains("belongs to another cluster"),
          failure::getMessage);
    }
  }
}
