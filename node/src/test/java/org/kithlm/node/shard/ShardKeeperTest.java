package org.kithlm.node.shard;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.model.TinyModel;
import org.kithlm.model.config.ModelConfig.Architecture;
import org.kithlm.model.gguf.GgmlType;
import org.kithlm.model.pack.Pack;
import org.kithlm.model.pack.PackRun;
import org.kithlm.model.pack.PackWriter;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.shard.RankShard;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.EpochKey;
import org.kithlm.node.control.KeptWeights;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.RankWeights;

class ShardKeeperTest {
  private static final EpochKey KEY = EpochKey.create();
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long ROOM = 1L << 40;

  @TempDir Path folder;

  private byte[] pack;
  private RankAssignment own;
  private NodeMessage.WeightOrigin origin;
  private RunServer server;
  private ShardKeeper keeper;
  private long freeBytes = ROOM;
  private final BlockingQueue<KeptWeights> told = new LinkedBlockingQueue<>();

  @BeforeEach
  void makePack() throws Exception {
    TinyModel model =
        new TinyModel(
            Architecture.LLAMA, 2, 64, 80, 6, 3, 16, 50, true, GgmlType.Q8_0, Map.of(), 1);
    Path file = folder.resolve("model.pack");
    PackWriter.write(model.write(folder.resolve("model.gguf")), file, (done, total) -> {});
    pack = Files.readAllBytes(file);
    server = new RunServer(pack);
    try (Pack opened = Pack.open(file)) {
      own = assignment(opened.id(), 1, 1.0, 1.0, 1.0);
      List<NodeMessage.ByteRun> prelude =
          opened
              .runs(new RankShard(1, 2, 0, 0, 0, 0, 0, 0, 0, 0, AttentionPlacement.SPLIT))
              .stream()
              .map(run -> new NodeMessage.ByteRun(run.offsetBytes(), run.lengthBytes()))
              .toList();
      origin = new NodeMessage.WeightOrigin(server.url(), pack.length, prelude);
    }
    keeper = keeper(Optional.empty());
  }

  @AfterEach
  void stop() {
    keeper.stop();
    server.close();
  }

  private static RankAssignment assignment(String packId, int rank, Double... shares) {
    return new RankAssignment(
        1,
        rank,
        List.of(shares),
        AttentionPlacement.SPLIT,
        HeadPlacement.ROOT,
        packId,
        64,
        KvType.F16,
        8,
        CollectiveChoice.STAR,
        SumPrecision.EXACT,
        KEY);
  }

  private Path shards() {
    return folder.resolve("shards");
  }

  private LocalPack.Source source() throws NoSuchAlgorithmException {
    // The server speaks plain HTTP, so TLS is not used.
    return new LocalPack.Source(shards(), SSLContext.getDefault(), PATIENCE, 4096);
  }

  private ShardKeeper keeper(Optional<Path> whole) throws NoSuchAlgorithmException {
    return new ShardKeeper(id -> whole, source(), path -> freeBytes);
  }

  private void keep(RankAssignment share, BooleanSupplier idle) {
    keeper.keep(share, origin, idle, told::add);
  }

  private KeptWeights awaitTold() throws InterruptedException {
    KeptWeights kept = told.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (kept == null) {
      throw new AssertionError("nothing was told");
    }
    return kept;
  }

  private KeptWeights awaitWhole() throws InterruptedException {
    KeptWeights kept = awaitTold();
    while (!kept.hasAll()) {
      kept = awaitTold();
    }
    return kept;
  }

  @Test
  void shouldLeaveNothingToFetchForOtherPlans() throws Exception {
    RankAssignment all = own.withShares(1, List.of(0.0, 1.0, 0.0));
    keep(all, () -> true);
    assertEquals(0, awaitTold().keptBytes());
    assertTrue(awaitWhole().wantedBytes() > 0);

    server.with((request, exchange, asked) -> false);
    new ShardFetcher(shards(), SSLContext.getDefault(), (fetched, kept) -> assertEquals(0, fetched))
        .fetch(assignment(own.packId(), 1, 1.0, 1.0), origin, Long.MAX_VALUE);
    assertEquals(0, server.requests());
    try (Pack local = Pack.open(shards().resolve(own.packId() + ".pack"))) {
      byte[] here = Files.readAllBytes(local.path());
      for (PackRun run : local.runs(RankWeights.shardOf(local, all))) {
        int from = (int) run.offsetBytes();
        int to = (int) run.endBytes();
        assertArrayEquals(Arrays.copyOfRange(pack, from, to), Arrays.copyOfRange(here, from, to));
      }
    }
  }

  @Test
  void shouldWaitWhileStepsAreUnderWay() throws Exception {
    AtomicBoolean idle = new AtomicBoolean();
    CountDownLatch asked = new CountDownLatch(2);
    keep(
        own,
        () -> {
          asked.countDown();
          return idle.get();
        });
    assertTrue(asked.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)); // and it has waited between
    assertTrue(told.isEmpty());
    idle.set(true);
    awaitWhole();
  }

  @Test
  void shouldSayWhenTheDiskIsTooSmall() throws Exception {
    freeBytes = 1 << 30; // which is to stay free
    keep(own, () -> true);
    KeptWeights kept = awaitTold();
    assertEquals(0, kept.keptBytes());
    String shortage = String.valueOf(kept.shortage());
    assertTrue(shortage.contains("has 1024 MiB free, of which 1024 are to stay so"), shortage);
    long preludeBytes = origin.prelude().stream().mapToLong(NodeMessage.ByteRun::lengthBytes).sum();
    assertEquals(preludeBytes, server.servedBytes());
  }

  @Test
  void shouldEndWhenItIsStopped() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    keep(
        own,
        () -> {
          waiting.countDown();
          return false;
        });
    assertTrue(waiting.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
    keeper.stop();
    keep(own, () -> true); // in its place; only this one tells
    assertEquals(0, awaitTold().keptBytes());
    awaitWhole();
    assertTrue(told.isEmpty());
  }
}
