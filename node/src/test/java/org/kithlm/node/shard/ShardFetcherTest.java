package org.kithlm.node.shard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackException;
import org.kithlm.model.pack.PackRun;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.transformer.KvType;
import org.kithlm.model.weight.Tile;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.DoesNotFitException;
import org.kithlm.node.rank.RankWeights;

class ShardFetcherTest {
  private static final EpochKey KEY = EpochKey.create();
  private static final int PART_BYTES = 4096; // so that a small model takes many requests
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path folder;

  private byte[] pack;
  private RankAssignment assignment;
  private List<PackRun> runs;
  private List<Tile> tiles;
  private List<NodeMessage.ByteRun> prelude;
  private RunServer server;
  private SSLContext tls; // the server speaks plain HTTP, so it is not used

  /** What the last complete fetch told. */
  private record Fetched(long fetchedBytes, long keptBytes) {}

  private final AtomicReference<Fetched> fetched = new AtomicReference<>();

  @BeforeEach
  void makePack() throws IOException, NoSuchAlgorithmException {
    tls = SSLContext.getDefault();
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA, 2, 64, 80, 6, 3, 16, 50, true, GgmlType.Q8_0, Map.of(), 1);
    Path file = folder.resolve("model.pack");
    PackWriter.write(model.write(folder.resolve("model.gguf")), file, (done, total) -> {});
    pack = Files.readAllBytes(file);
    try (Pack opened = Pack.open(file)) {
      assignment =
          new RankAssignment(
              1,
              1,
              List.of(1.0, 1.0),
              AttentionPlacement.SPLIT,
              HeadPlacement.ROOT,
              opened.id(),
              64,
              KvType.F16,
              8,
              CollectiveChoice.STAR,
              SumPrecision.EXACT,
              KEY);
      RankShard shard = RankWeights.shardOf(opened, assignment);
      runs = opened.runs(shard);
      tiles = opened.tiles(shard);
      prelude =
          opened
              .runs(new RankShard(1, 2, 0, 0, 0, 0, 0, 0, 0, 0, AttentionPlacement.SPLIT))
              .stream()
              .map(run -> new NodeMessage.ByteRun(run.offsetBytes(), run.lengthBytes()))
              .toList();
    }
    server = new RunServer(pack);
  }

  @AfterEach
  void stopServer() {
    server.close();
  }

  private Path fetch() throws IOException, InterruptedException {
    return fetch(PATIENCE, Long.MAX_VALUE);
  }

  private Path fetch(Duration partTimeout, long processBytes)
      throws IOException, InterruptedException {
    return new ShardFetcher(
            folder.resolve("shards"),
            tls,
            (fetchedBytes, keptBytes) -> fetched.set(new Fetched(fetchedBytes, keptBytes)),
            partTimeout,
            PART_BYTES)
        .fetch(
            assignment,
            new NodeMessage.WeightOrigin(server.url(), pack.length, prelude),
            processBytes);
  }

  private static void assertMessage(String part, Exception failure) {
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains(part), message);
  }

  private long shardBytes() {
    return tiles.stream().mapToLong(Tile::lengthBytes).sum();
  }

  private long preludeRequests() {
    long bytes = prelude.stream().mapToLong(NodeMessage.ByteRun::lengthBytes).sum();
    return Math.ceilDiv(bytes, PART_BYTES);
  }

  private void flip(Path file, long offset) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[Math.toIntExact(offset)] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void shouldHoldItsOwnRunsAndHoles() throws Exception {
    Path local = fetch();
    byte[] actual = Files.readAllBytes(local);
    assertEquals(pack.length, actual.length);
    for (PackRun run : runs) {
      int from = (int) run.offsetBytes();
      int to = (int) run.endBytes();
      assertArrayEquals(Arrays.copyOfRange(pack, from, to), Arrays.copyOfRange(actual, from, to));
      Arrays.fill(actual, from, to, (byte) 0);
    }
    assertArrayEquals(new byte[pack.length], actual, "bytes outside of the runs");
    assertEquals(new Fetched(shardBytes(), 0), fetched.get());
    try (RankWeights weights = RankWeights.load(local, assignment)) {
      assertEquals(tiles, weights.layout().tiles());
    }
  }

  @Test
  void shouldTransferNothingThatIsThere() throws Exception {
    fetch();
    server.with((request, exchange, asked) -> false);
    fetch();
    assertEquals(0, server.requests());
    assertEquals(new Fetched(0, shardBytes()), fetched.get());
  }

  @Test
  void shouldFetchNoTileThatWouldNotFitIntoMemory() {
    assertThrows(DoesNotFitException.class, () -> fetch(PATIENCE, 1 << 20));
    assertEquals(preludeRequests(), server.requests());
  }

  @Test
  void shouldGoOnWhereAFetchWasCut() throws Exception {
    long servedRequests = preludeRequests() + shardBytes() / PART_BYTES / 2;
    server.with(
        (request, exchange, asked) -> {
          if (request < servedRequests) {
            return false;
          }
          server.close();
          return true;
        });
    IOException failure = assertThrows(IOException.class, this::fetch);
    assertMessage("127.0.0.1", failure);

    server = new RunServer(pack);
    fetch();
    long keptBytes = fetched.get().keptBytes();
    assertTrue(keptBytes > 0 && keptBytes < shardBytes(), () -> fetched.get().toString());
    assertEquals(new Fetched(shardBytes() - keptBytes, keptBytes), fetched.get());
    assertEquals(shardBytes() - keptBytes, server.servedBytes());
  }

  @Test
  void shouldAskForSeveralRunsAtOnce() throws Exception {
    CountDownLatch two = new CountDownLatch(2);
    server.with(
        (request, exchange, asked) -> {
          if (request >= preludeRequests()) {
            two.countDown();
            try {
              return !two.await(10, TimeUnit.SECONDS); // no answer fails the fetch
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
          return false;
        });
    fetch();
    assertEquals(new Fetched(shardBytes(), 0), fetched.get());
  }

  /** With a file system that ends before the weights do. */
  @Test
  void shouldTellWhatDiskIsFullAndGoOnWhenItIsNot() throws Exception {
    Path shards = Files.createDirectory(folder.resolve("shards"));
    assumeTrue(
        mount("-t", "tmpfs", "-o", "size=32k", "tmpfs", shards.toString()),
        "needs root: mounts a file system of 32 KiB");
    try {
      IOException full = assertThrows(IOException.class, this::fetch);
      assertMessage("cannot write weights to " + shards, full);
      assertMessage("No space left on device; 0 MiB are free there", full);
      assertTrue(mount("-o", "remount,size=4m", shards.toString()));
      try (RankWeights weights = RankWeights.load(fetch(), assignment)) {
        assertEquals(tiles, weights.layout().tiles());
      }
    } finally {
      run("umount", shards.toString());
    }
  }

  private static boolean mount(String... arguments) throws IOException, InterruptedException {
    return run(Stream.concat(Stream.of("mount"), Stream.of(arguments)).toArray(String[]::new));
  }

  private static boolean run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  @Test
  void shouldFetchOnlyThePieceWithAFlippedByte() throws Exception {
    Tile damaged = tiles.get(tiles.size() / 2);
    List<Tile.PieceCheck> pieces = damaged.checks();
    assertTrue(pieces.size() > 1, pieces.toString());
    flip(fetch(), damaged.offsetBytes() + damaged.lengthBytes() - 1);
    Path local = fetch();
    int pieceBytes = pieces.getLast().lengthBytes();
    assertEquals(new Fetched(pieceBytes, shardBytes() - pieceBytes), fetched.get());
    RankWeights.load(local, assignment).close();
  }

  @Test
  void shouldFetchADamagedIndexAgain() throws Exception {
    flip(fetch(), 100);
    fetch();
    assertEquals(new Fetched(0, shardBytes()), fetched.get());
  }

  @Test
  void shouldFetchFromOtherSharesOnlyWhatIsMissing() throws Exception {
    fetch();
    assignment =
        new RankAssignment(
            2,
            1,
            List.of(1.0, 1.0, 1.0),
            AttentionPlacement.SPLIT,
            HeadPlacement.ROOT,
            assignment.packId(),
            64,
            KvType.F16,
            8,
            CollectiveChoice.STAR,
            SumPrecision.EXACT,
            KEY);
    fetch();
    assertTrue(fetched.get().fetchedBytes() > 0, () -> fetched.get().toString());
    assertTrue(fetched.get().keptBytes() > 0, () -> fetched.get().toString());
  }

  @Test
  void shouldRefuseATileThatComesDamaged() {
    server.with(
        (request, exchange, asked) -> {
          if (request < preludeRequests()) {
            return false;
          }
          asked[asked.length / 2] ^= 1;
          RunServer.send(exchange, asked);
          return true;
        });
    PackException failure = assertThrows(PackException.class, this::fetch);
    assertMessage("damaged", failure);
  }

  @Test
  void shouldRefuseAnIndexThatComesDamaged() {
    server.with(
        (request, exchange, asked) -> {
          asked[100] ^= 1;
          RunServer.send(exchange, asked);
          return true;
        });
    PackException failure = assertThrows(PackException.class, this::fetch);
    assertMessage("damaged", failure);
  }

  @Test
  void shouldAskAgainAfterAShortAnswer() throws Exception {
    server.with(
        (request, exchange, asked) -> {
          if (request != 1) {
            return false;
          }
          RunServer.send(exchange, Arrays.copyOf(asked, asked.length - 1));
          return true;
        });
    fetch();
    assertEquals(new Fetched(shardBytes(), 0), fetched.get());
  }

  @Test
  void shouldAskAgainAfterABrokenConnection() throws Exception {
    server.with(
        (request, exchange, asked) -> {
          if (request != 1) {
            return false;
          }
          exchange.sendResponseHeaders(200, asked.length);
          exchange.getResponseBody().write(asked, 0, asked.length / 2);
          return true; // and the connection ends
        });
    fetch();
    assertEquals(new Fetched(shardBytes(), 0), fetched.get());
  }

  @Test
  void shouldTellTheStatusAtOnceWhenThePackIsNotServed() {
    server.with(
        (request, exchange, asked) -> {
          exchange.sendResponseHeaders(404, -1);
          return true;
        });
    IOException failure = assertThrows(IOException.class, this::fetch);
    assertMessage("status 404", failure);
    assertTrue(server.requests() <= 2, "the two at once, and none again");
  }

  @Test
  void shouldNotReadMoreThanItAskedFor() {
    server.with(
        (request, exchange, asked) -> {
          RunServer.send(exchange, pack);
          return true;
        });
    IOException failure = assertThrows(IOException.class, this::fetch);
    // two parts are asked for at once, of 4096 and 1280 bytes: either may be the first to fail
    String message = String.valueOf(failure.getMessage());
    assertTrue(
        message.matches(
            "cannot fetch (4096|1280) bytes at offset .*: body exceeds capacity: (4096|1280)"),
        message);
  }

  @Test
  void shouldGiveUpOnABodyThatStalls() {
    server.with(
        (request, exchange, asked) -> {
          server.stall(exchange, asked);
          return true;
        });
    IOException failure =
        assertThrows(IOException.class, () -> fetch(Duration.ofMillis(100), Long.MAX_VALUE));
    assertMessage("no whole answer", failure);
  }

  @Test
  void shouldNotLeaveItsFolder() {
    assignment =
        new RankAssignment(
            1,
            1,
            List.of(1.0, 1.0),
            AttentionPlacement.SPLIT,
            HeadPlacement.ROOT,
            "../../escaped",
            64,
            KvType.F16,
            8,
            CollectiveChoice.STAR,
            SumPrecision.EXACT,
            KEY);
    PackException failure = assertThrows(PackException.class, this::fetch);
    assertMessage("'../../escaped'", failure);
    assertFalse(Files.exists(folder.resolve("shards")));
  }
}
