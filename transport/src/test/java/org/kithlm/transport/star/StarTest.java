package org.kithlm.transport.star;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.StarConfig;
import org.kithlm.transport.StepHeader;

/** Root and leaves as threads of this JVM, over UDP on loopback. */
@Timeout(120)
class StarTest {
  private static final int[] LENGTHS = {1, 7, 576, 1000, 8192, 40_001, 128 * 1536};
  private static final int MAX_FLOATS = 128 * 1536;
  private static final long SEED = 42;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5})
  void shouldSumInRankOrder(int worldSize) throws Exception {
    List<PeerAddress> peers = Ranks.onLoopback(worldSize);
    int rounds = 1500;
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<?>> ranks = new ArrayList<>();
      for (int rank = 1; rank < worldSize; rank++) {
        StarConfig config = config(rank, peers);
        ranks.add(threads.submit(() -> leaf(config, rounds)));
      }
      ranks.add(threads.submit(() -> root(config(0, peers), rounds)));
      for (Future<?> rank : ranks) {
        rank.get(100, TimeUnit.SECONDS);
      }
    }
    assertEquals(List.of(), List.of(folder.toFile().list()), "left in the driver folder");
  }

  @Test
  void shouldSumOverANetworkThatLosesDatagrams() throws Exception {
    List<PeerAddress> peers = Ranks.onLoopback(2);
    int rounds = 250;
    try (ExecutorService threads = Executors.newCachedThreadPool();
        LossyRelay toLeaf = new LossyRelay(peers.get(1), SEED);
        LossyRelay toRoot = new LossyRelay(peers.get(0), SEED + 2)) {
      List<PeerAddress> ofRoot = List.of(peers.get(0), toLeaf.address(1));
      List<PeerAddress> ofLeaf = List.of(toRoot.address(0), peers.get(1));
      StarConfig leafConfig = config(1, ofLeaf).withMtuLength(StarConfig.LAN_MTU_LENGTH);
      StarConfig rootConfig = config(0, ofRoot).withMtuLength(StarConfig.LAN_MTU_LENGTH);
      Future<?> leaf = threads.submit(() -> leaf(leafConfig, rounds));
      root(rootConfig, rounds);
      leaf.get(100, TimeUnit.SECONDS);
      assertTrue(toLeaf.lost() > 10 && toRoot.lost() > 10, "too little was lost to prove a thing");
    }
  }

  private StarConfig config(int rank, List<PeerAddress> peers) {
    return StarConfig.of(7, rank, peers, MAX_FLOATS).withDriverParent(folder);
  }

  private static void root(StarConfig config, int rounds) {
    float[] hidden = vector(0, 0, MAX_FLOATS);
    try (StarRoot root = new StarRoot(config)) {
      root.connect();
      root.beginStep(3, 11, 4, hidden, MAX_FLOATS);
      for (int round = 0; round < rounds; round++) {
        int length = length(round);
        float[] values = vector(0, round, length);
        root.allreduce(round, 1, values, length);
        assertSum(config, round, values);
      }
      assertEquals(rounds, root.counters().rounds());
      assertEquals(0, root.counters().droppedFrames());
    }
  }

  private static void leaf(StarConfig config, int rounds) {
    float[] hidden = new float[MAX_FLOATS];
    try (StarLeaf leaf = new StarLeaf(config)) {
      leaf.connect();
      StepHeader header = leaf.awaitStep(hidden, TimeUnit.SECONDS.toNanos(30));
      assertNotNull(header);
      assertEquals(new StepHeader(3, 11, 4, MAX_FLOATS), header);
      assertArrayEquals(vector(0, 0, MAX_FLOATS), hidden);
      for (int round = 0; round < rounds; round++) {
        int length = length(round);
        float[] values = vector(config.rank(), round, length);
        leaf.allreduce(round, 1, values, length);
        assertSum(config, round, values);
      }
      assertEquals(0, leaf.counters().droppedFrames());
    }
  }

  private static void assertSum(StarConfig config, int round, float[] actual) {
    float[] expected = vector(0, round, actual.length);
    for (int rank = 1; rank < config.peers().size(); rank++) {
      float[] partial = vector(rank, round, actual.length);
      for (int i = 0; i < expected.length; i++) {
        expected[i] += partial[i];
      }
    }
    assertArrayEquals(expected, actual, () -> "seed=" + SEED + " round=" + round);
  }

  /** Mostly short, now and then each of the awkward lengths. */
  private static int length(int round) {
    return round % 50 < LENGTHS.length
        ? LENGTHS[round % 50]
        : 1 + new Random(SEED + round).nextInt(2000);
  }

  private static float[] vector(int rank, int round, int length) {
    Random random = new Random(SEED * 31 + rank * 1_000_003L + round);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (random.nextFloat() - 0.5f) * (1 << random.nextInt(20));
    }
    return values;
  }
}
