package org.kithlm.deploy.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.Kith;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.cluster.StateFile;

/** Commands on nodes, over the files that a server and they share. */
class NodeCommandTest {
  private static final String ADDRESS = "192.168.1.11";
  private static final String ID = "600dcafe600dcafe600dcafe600dcafe";

  @TempDir Path home;

  private final StringWriter errors = new StringWriter();

  @BeforeEach
  void register() throws Exception {
    Files.writeString(
        new KithHome(home).subfolder("cluster").resolve("nodes.json"),
        """
        [{"id": "%s", "name": "laptop", "host": "%s", "expiresEpochSeconds": %d, "removed": false}]
        """
            .formatted(ID, ADDRESS, Instant.now().getEpochSecond() + 3600));
  }

  private String run(int exitCode, String... args) {
    StringWriter answer = new StringWriter();
    int code =
        Kith.run(
            List.of(args),
            Map.of("KITH_HOME", home.toString()),
            new PrintWriter(answer, true),
            new PrintWriter(errors, true));
    assertEquals(exitCode, code, errors::toString);
    return answer.toString();
  }

  /** The state of a server, as which this process stands. */
  private void serve(int rank, @Nullable String indispensable) throws Exception {
    long pid = ProcessHandle.current().pid();
    new StateFile(new KithHome(home))
        .write(
            new StateFile.State(
                "http://127.0.0.1:11500",
                "m",
                "ready",
                1,
                List.of(
                    new NodeView(
                        0, "desk", pid, "192.168.1.10", "ready", 0.5, null, 1, null, null, null),
                    new NodeView(
                        rank,
                        "laptop",
                        7,
                        ADDRESS,
                        "ready",
                        0.5,
                        null,
                        1,
                        null,
                        indispensable,
                        null)),
                null,
                null));
  }

  private boolean isDrained() {
    return run(0, "node", "list").contains(" drained");
  }

  @Test
  void shouldLeaveWordForAServerThatDoesNotRun() {
    run(0, "node", "drain", "laptop");
    assertTrue(errors.toString().contains("will not until kith node undrain"), errors::toString);
    assertTrue(isDrained());
    run(0, "node", "undrain", ID);
    assertFalse(isDrained());
  }

  @Test
  void shouldNotDrainANodeWithoutWhichTheModelDoesNotFit() throws Exception {
    serve(1, "desk: 512 MiB of memory are too little");
    run(4, "node", "drain", "laptop");
    assertTrue(
        errors
            .toString()
            .contains(
                "without laptop the model does not fit: desk: 512 MiB of memory are too little"),
        errors::toString);
    assertFalse(isDrained());
  }

  @Test
  void shouldTellWhenANodeIsStillAtWork() throws Exception {
    serve(1, null);
    run(1, "node", "drain", "laptop", "--wait", "1s");
    assertTrue(errors.toString().contains("the others have room for the model"), errors::toString);
    assertTrue(errors.toString().contains("laptop is still at work after 1 s"), errors::toString);
    assertTrue(isDrained());
  }

  @Test
  void shouldEndWhenTheNodeIsIdle() throws Exception {
    serve(-1, null);
    run(0, "node", "drain", ID);
    assertTrue(isDrained());
  }

  @Test
  void shouldRefuseWhatItDoesNotKnow() {
    run(2, "node", "drain", "desk");
    run(2, "node", "undrain", "desk");
    assertTrue(errors.toString().contains("no device 'desk' has joined"), errors::toString);
  }
}
