package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.SumEncoding;

/** Root and leaves as threads of this JVM, over UDP on loopback. */
@Timeout(120)
class CollectiveTest {
  private static final int[] LENGTHS = {1, 2, 7, 576, 1000, 8192, 40_001, 128 * 1536};
  private static final int MAX_FLOATS = 128 * 1536;
  private static final int ROUNDS_PER_GATHER = 10;
  private static final long SEED = 42;
  private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(60);

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "STAR, 1",
    "STAR, 2",
    "STAR, 3",
    "STAR, 6",
    "DIRECT, 1",
    "DIRECT, 2",
    "DIRECT, 3",
    "DIRECT, 6",
    "TWO_SHOT, 1",
    "TWO_SHOT, 2",
    "TWO_SHOT, 3",
    "TWO_SHOT, 6",
    "AUTO, 1",
    "AUTO, 4",
    "SHARED_MEMORY, 1",
    "SHARED_MEMORY, 2",
    "SHARED_MEMORY, 3",
    "SHARED_MEMORY, 6"
  })
  void shouldSumInRankOrder(Collective collective, int worldSize) throws Exception {
    sum(collective, worldSize, SumEncoding.EXACT);
  }

  @ParameterizedTest
  @CsvSource({
    "STAR, F32", "DIRECT, F32", "TWO_SHOT, F32", "AUTO, F32", "SHARED_MEMORY, F32",
    "STAR, BF16", "DIRECT, BF16", "TWO_SHOT, BF16", "AUTO, BF16", "SHARED_MEMORY, BF16",
    "STAR, Q8", "DIRECT, Q8", "TWO_SHOT, Q8", "AUTO, Q8", "SHARED_MEMORY, Q8"
  })
  void shouldSumRoundedTerms(Collective collective, SumEncoding encoding) throws Exception {
    sum(collective, 3, encoding);
  }

  private void sum(Collective collective, int worldSize, SumEncoding encoding) throws Exception {
    List<PeerAddress> peers = Ranks.onLoopback(worldSize);
    List<SessionConfig> configs = new ArrayList<>();
    for (int rank = 0; rank < worldSize; rank++) {
      configs.add(config(rank, peers).withCollective(collective).withEncoding(encoding));
    }
    run(configs, 200);
    assertEquals(List.of(), List.of(folder.toFile().list()), "left in the driver folder");
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "SHARED_MEMORY") // sends hardly any
  void shouldSumSealedOverANetworkThatLosesDatagrams(Collective collective) throws Exception {
    Random seeds = new Random(SEED);
    int lost = sumOverRelays(collective, peer -> Relay.losing(peer, seeds.nextLong()), 100);
    assertTrue(lost > 100, "too little was lost to prove a thing: " + lost);
  }

  @Test
  void shouldHaveVectorsWhoseSumDependsOnTheOrder() {
    double[] first = vector(0, 3, 1000);
    double[] second = vector(1, 3, 1000);
    double[] third = vector(2, 3, 1000);
    int differing = 0;
    int rounded = 0;
    for (int i = 0; i < first.length; i++) {
      double forward = first[i] + second[i] + third[i];
      double backward = third[i] + second[i] + first[i];
      differing += forward == backward ? 0 : 1;
      double ofRounded = (float) first[i] + (double) (float) second[i] + (float) third[i];
      rounded += (float) forward == (float) ofRounded ? 0 : 1;
    }
    assertTrue(differing > 100, "differing=" + differing);
    assertTrue(rounded > 100, "rounded=" + rounded);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "SHARED_MEMORY") // sends hardly any
  void shouldSumOverANetworkThatDropsFragments(Collective collective) throws Exception {
    int lost =
        sumOverRelays(collective, peer -> Relay.narrow(peer, SessionConfig.LAN_MTU_LENGTH), 30);
    assertTrue(lost > 0, "nothing large was ever tried");
  }

  /** Returns how many datagrams were lost. */
  private int sumOverRelays(Collective collective, RelayMaker maker, int rounds) throws Exception {
    List<PeerAddress> peers = Ranks.onLoopback(3);
    List<Relay> relays = new ArrayList<>();
    List<SessionConfig> configs = new ArrayList<>();
    try {
      for (int rank = 0; rank < peers.size(); rank++) {
        List<PeerAddress> seenByRank = new ArrayList<>();
        for (PeerAddress peer : peers) {
          if (peer.rank() == rank) {
            seenByRank.add(peer);
          } else {
            relays.add(maker.relayTo(peer));
            seenByRank.add(relays.getLast().address(peer.rank()));
          }
        }
        configs.add(
            config(rank, seenByRank)
                .withCollective(collective)
                .withKey(new byte[16])
                .withDatagrams(SessionConfig.LAN_MTU_LENGTH, SessionConfig.LAN_DATAGRAM_LENGTH));
      }
      run(configs, rounds);
      return relays.stream().mapToInt(Relay::lost).sum();
    } finally {
      relays.forEach(Relay::close);
    }
  }

  private interface RelayMaker {
    Relay relayTo(PeerAddress peer) throws IOException;
  }

  private static void run(List<SessionConfig> configs, int rounds) throws Exception {
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      AtomicInteger running = new AtomicInteger(configs.size());
      List<Future<?>> ranks = new ArrayList<>();
      for (SessionConfig config : configs) {
        ranks.add(
            threads.submit(
                () -> {
                  if (config.rank() == 0) {
                    root(config, rounds, running);
                  } else {
                    leaf(config, rounds, running);
                  }
                }));
      }
      for (Future<?> rank : ranks) {
        rank.get(100, TimeUnit.SECONDS);
      }
    }
  }

  private SessionConfig config(int rank, List<PeerAddress> peers) {
    return SessionConfig.of(7, rank, peers, MAX_FLOATS).withDriverParent(folder);
  }

  private static void root(SessionConfig config, int rounds, AtomicInteger running) {
    float[] hidden = hidden();
    try (RootSession root = new RootSession(config)) {
      root.connect();
      root.measureLinks();
      root.beginStep(3, 11, 4, hidden, MAX_FLOATS);
      int allgathers = 0;
      for (int round = 0; round < rounds; round++) {
        int length = length(round);
        float[] sum = new float[length];
        root.allreduce(round, 1, vector(0, round, length), sum, length);
        assertSum(config, round, sum);
        if (round % ROUNDS_PER_GATHER == 0) {
          allgathers++;
          root.allgather(round, 2, ownRange(config, round), sum, allEnds(config, round));
          assertAllgathered(config, round, sum);
        }
        if (round % ROUNDS_PER_GATHER == 0 && config.peers().size() > 1) {
          int[] ends = ends(config, round);
          float[] gathered = new float[MAX_FLOATS];
          root.gather(round, gathered, ends);
          assertGathered(config, round, ends, gathered);
        }
      }
      assertEquals(rounds + allgathers, root.counters().rounds());
      assertEquals(0, root.counters().droppedFrames());
      running.decrementAndGet();
      serveUntilAllAreDone(root, running);
    }
  }

  private static void serveUntilAllAreDone(RootSession root, AtomicInteger running) {
    try {
      long waitedNs = 0;
      for (long startNs = System.nanoTime(); running.get() > 0 && waitedNs < WAIT_NS; ) {
        root.keepAlive(); // what it sent last may have been lost
        waitedNs = System.nanoTime() - startNs;
        LockSupport.parkNanos(100_000);
      }
    } catch (PeerLostException e) {
      assertEquals(0, running.get(), e::toString); // the leaves close when all are done
    }
  }

  private static void leaf(SessionConfig config, int rounds, AtomicInteger running) {
    float[] hidden = new float[MAX_FLOATS];
    try (LeafSession leaf = new LeafSession(config)) {
      leaf.connect();
      StepHeader header = leaf.awaitStep(hidden, TimeUnit.SECONDS.toNanos(30));
      assertNotNull(header);
      assertEquals(new StepHeader(3, 11, 4, MAX_FLOATS), header);
      assertArrayEquals(hidden(), hidden);
      for (int round = 0; round < rounds; round++) {
        int length = length(round);
        float[] sum = new float[length];
        leaf.allreduce(round, 1, vector(config.rank(), round, length), sum, length);
        assertSum(config, round, sum);
        if (round % ROUNDS_PER_GATHER == 0) {
          leaf.allgather(round, 2, ownRange(config, round), sum, allEnds(config, round));
          assertAllgathered(config, round, sum);
          leaf.gather(round, gathered(config.rank(), round), ends(config, round));
        }
      }
      assertEquals(0, leaf.counters().droppedFrames());
      running.decrementAndGet();
      serveUntilAllAreDone(leaf, hidden, running);
    }
  }

  private static void serveUntilAllAreDone(
      LeafSession leaf, float[] hidden, AtomicInteger running) {
    try {
      while (running.get() > 0) {
        leaf.awaitStep(hidden, TimeUnit.MILLISECONDS.toNanos(1));
      }
    } catch (PeerLostException e) {
      assertEquals(0, running.get(), e::toString); // the root closes when all are done
    }
  }

  /** To the last bit: {@code assertArrayEquals} of floats without a delta compares bits. */
  private static void assertSum(SessionConfig config, int round, float[] actual) {
    double[][] partials = new double[config.peers().size()][];
    for (int rank = 0; rank < partials.length; rank++) {
      partials[rank] = vector(rank, round, actual.length);
    }
    assertArrayEquals(
        ScalarSums.of(config.encoding(), partials),
        actual,
        () -> "seed=" + SEED + " rank=" + config.rank() + " round=" + round + " " + config);
  }

  /** The root's range is empty, and so is that of another rank now and then. */
  private static int[] ends(SessionConfig config, int round) {
    Random random = new Random(SEED * 17 + round);
    int[] ends = new int[config.peers().size()];
    for (int rank = 1; rank < ends.length; rank++) {
      int most = random.nextInt(10) == 0 ? 20_000 : 300;
      ends[rank] = ends[rank - 1] + (random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(most));
    }
    ends[ends.length - 1]++; // the vector is not empty
    return ends;
  }

  private static float[] gathered(int rank, int round) {
    Random random = new Random(SEED * 13 + rank * 1_000_003L + round);
    float[] values = new float[MAX_FLOATS];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return values;
  }

  private static void assertGathered(SessionConfig config, int round, int[] ends, float[] actual) {
    for (int rank = 1; rank < ends.length; rank++) {
      float[] expected = gathered(rank, round);
      for (int i = ends[rank - 1]; i < ends[rank]; i++) {
        assertEquals(expected[i], actual[i], "rank " + rank + " round " + round + " at " + i);
      }
    }
    for (int i = ends[config.peers().size() - 1]; i < actual.length; i++) {
      assertEquals(0, actual[i], "beyond the end");
    }
  }

  /** Blocks of the sum's vector for each rank, none for some. */
  private static int[] allEnds(SessionConfig config, int round) {
    Random random = new Random(SEED * 19 + round);
    int length = length(round);
    int block = config.encoding().blockElements();
    int[] ends = new int[config.peers().size()];
    for (int rank = 0; rank < ends.length - 1; rank++) {
      int before = rank == 0 ? 0 : ends[rank - 1];
      ends[rank] = before + random.nextInt(1 + (length - before) / block) * block;
    }
    ends[ends.length - 1] = length;
    return ends;
  }

  private static double[] ownRange(SessionConfig config, int round) {
    return ownRange(config, round, config.rank());
  }

  private static double[] ownRange(SessionConfig config, int round, int rank) {
    int[] ends = allEnds(config, round);
    double[] values = vector(rank, round, length(round));
    Arrays.fill(values, 0, rank == 0 ? 0 : ends[rank - 1], 0);
    Arrays.fill(values, ends[rank], values.length, 0);
    return values;
  }

  private static void assertAllgathered(SessionConfig config, int round, float[] actual) {
    double[][] partials = new double[config.peers().size()][];
    for (int rank = 0; rank < partials.length; rank++) {
      partials[rank] = ownRange(config, round, rank);
    }
    float[] expected = ScalarSums.of(config.encoding(), partials);
    assertArrayEquals(expected, actual, () -> "rank=" + config.rank() + " round=" + round);
  }

  /** Mostly short, now and then each of the awkward lengths. */
  private static int length(int round) {
    return round % 50 < LENGTHS.length
        ? LENGTHS[round % 50]
        : 1 + new Random(SEED + round).nextInt(2000);
  }

  private static double[] vector(int rank, int round, int length) {
    Random random = new Random(SEED * 31 + rank * 1_000_003L + round);
    double[] values = new double[length];
    for (int i = 0; i < length; i++) {
      values[i] = (random.nextDouble() - 0.5) * (1 << random.nextInt(20));
    }
    return values;
  }

  private static float[] hidden() {
    float[] hidden = new float[MAX_FLOATS];
    double[] vector = vector(0, 0, MAX_FLOATS);
    for (int i = 0; i < MAX_FLOATS; i++) {
      hidden[i] = (float) vector[i];
    }
    return hidden;
  }
}
