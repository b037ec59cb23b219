package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.KithHome;

/**
 * A coordinator whose address changes, on a network of two devices: network namespaces of Linux.
 */
@Tag("fault")
class DiscoveryIT {
  private static final String MODEL = TestModel.SMOLLM2.catalogName;
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final String JOIN_PORT = "11502";

  private final String coordinator = "kith-it-c-" + ProcessHandle.current().pid();
  private final String node = "kith-it-n-" + ProcessHandle.current().pid();

  @TempDir Path folder;

  @BeforeEach
  void buildNetwork() throws Exception {
    assumeTrue(
        run("ip", "netns", "add", coordinator) == 0,
        "needs Linux, root and iproute2, to make network namespaces");
    ip("netns", "add", node);
    ip("link", "add", "lan0", "netns", coordinator, "type", "veth", "peer", "lan0", "netns", node);
    for (String namespace : List.of(coordinator, node)) {
      ip("-n", namespace, "link", "set", "lo", "up");
      ip("-n", namespace, "link", "set", "lan0", "up");
    }
    ip("-n", coordinator, "addr", "add", "10.77.200.1/24", "dev", "lan0");
    ip("-n", node, "addr", "add", "10.77.200.2/24", "dev", "lan0");
    TestModel.SMOLLM2.pull();
  }

  @AfterEach
  void removeNetwork() throws Exception {
    run("ip", "netns", "del", coordinator);
    run("ip", "netns", "del", node);
  }

  private static void ip(String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(args));
    assertEquals(0, run(command.toArray(String[]::new)), String.join(" ", command));
  }

  private static int run(String... command) throws Exception {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.waitFor();
      if (code != 0) {
        System.err.println(String.join(" ", command) + ": " + output);
      }
      return code;
    } catch (IOException e) {
      return -1; // there is no such program
    }
  }

  private static List<String> in(String namespace) {
    return List.of("ip", "netns", "exec", namespace);
  }

  private KithProcess up(String host) throws IOException {
    return KithProcess.start(
        in(coordinator),
        TestModel.HOME,
        "up",
        MODEL,
        "--even-shares",
        "-n",
        "2",
        "--context",
        "256",
        "--host",
        host,
        "--control-port",
        "0",
        "--join-port",
        JOIN_PORT,
        "--port",
        "0");
  }

  private static void awaitTwoRanks(KithProcess process) throws Exception {
    StateFile file = new StateFile(new KithHome(TestModel.HOME));
    Await.until(
        "two ranks, " + process.errors(),
        PATIENCE,
        () ->
            file.read()
                .filter(state -> state.phase().equals("ready"))
                .filter(
                    state -> state.nodes().stream().mapToInt(NodeView::rank).max().orElse(0) == 1)
                .isPresent());
  }

  @Test
  void shouldFindACoordinatorAgainWhoseAddressHasChanged() throws Exception {
    Path nodeHome = folder.resolve("node");
    try (KithProcess first = up("10.77.200.1")) {
      Await.until("a join line", PATIENCE, () -> first.errors().contains("kith join"));
      String[] join = {"join", first.joinToken(), "--name", "guest"};
      try (KithProcess guest = KithProcess.start(in(node), nodeHome, join)) {
        awaitTwoRanks(first);
        first.kill();
        Await.until(
            "the loss is seen", PATIENCE, () -> guest.errors().contains("looking for it again"));
        ip("-n", coordinator, "addr", "del", "10.77.200.1/24", "dev", "lan0");
        ip("-n", coordinator, "addr", "add", "10.77.200.3/24", "dev", "lan0");
        try (KithProcess second = up("10.77.200.3")) {
          Await.until(
              "found", PATIENCE, () -> guest.errors().contains("mDNS found it at 10.77.200.3:"));
          awaitTwoRanks(second);
        }
      }
    }
  }
}
