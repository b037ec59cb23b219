package org.kithlm.transport.collective;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.kithlm.transport.Collective;
import org.kithlm.transport.DataPort;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.SumEncoding;

/**
 * Sums for a long time over links that lose and delay at random, in epochs of each form and
 * encoding in turn, of random world sizes and lengths, and compares each with {@link ScalarSums} on
 * each rank. As a program: {@code SumSoak ROUNDS [SEED]}.
 */
final class SumSoak {
  private static final int MAX_FLOATS = 20_000;
  private static final int ROUNDS_PER_EPOCH = 1000;
  private static final int ROUNDS_PER_STEP = 50;
  private static final int LOST_PER_MILLE = 2;
  private static final int ANY_LENGTH = Integer.MAX_VALUE;
  private static final int JITTER_NS = 1_000_000;
  private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(120); // beside anything
  private static final List<Collective> FORMS =
      List.of(
          Collective.STAR,
          Collective.DIRECT,
          Collective.TWO_SHOT,
          Collective.SHARED_MEMORY,
          Collective.AUTO);
  private static final List<SumEncoding> ENCODINGS = List.of(SumEncoding.values());

  private final long seed;
  private final Path folder;
  private final Consumer<String> log;
  private final AtomicLong wrong = new AtomicLong();
  private long rounds;
  private long lost;
  private long dropped;

  /** Logs an epoch in a line; the media drivers are under {@code folder}. */
  SumSoak(long seed, Path folder, Consumer<String> log) {
    this.seed = seed;
    this.folder = folder;
    this.log = log;
  }

  /**
   * What came of it.
   *
   * @param rounds sums, each on all ranks
   * @param wrong elements that were not as they should be
   * @param lost datagrams, all of which were sent again, as each round came to its end
   * @param dropped frames that ranks refused
   */
  record Result(long rounds, long wrong, long lost, long dropped) {}

  public static void main(String[] args) throws Exception {
    long rounds = Long.parseLong(args[0]);
    long seed = args.length > 1 ? Long.parseLong(args[1]) : System.nanoTime();
    Path folder = Files.createTempDirectory("sum-soak");
    SumSoak soak = new SumSoak(seed, folder, SumSoak::say);
    say("seed " + seed);
    soak.run(Math.min(rounds, (long) ROUNDS_PER_EPOCH * FORMS.size())); // to be warm
    long before = residentKb();
    Result result = soak.run(rounds);
    say("%s, resident %d kB when warm and %d kB now".formatted(result, before, residentKb()));
    Files.delete(folder);
    System.exit(result.wrong() == 0 ? 0 : 1);
  }

  /** Sums until there have been {@code roundsMin} in all. */
  Result run(long roundsMin) throws Exception {
    for (long epoch = 1 + rounds / ROUNDS_PER_EPOCH; rounds < roundsMin; epoch++) {
      epoch(epoch, (int) Math.min(ROUNDS_PER_EPOCH, roundsMin - rounds));
    }
    return new Result(rounds, wrong.get(), lost, dropped);
  }

  private void epoch(long epoch, int epochRounds) throws Exception {
    RandomGenerator random = new SplittableRandom(seed + epoch);
    // Five forms and four encodings: in turn, all pairs.
    Collective form = FORMS.get((int) (epoch % FORMS.size()));
    SumEncoding encoding = ENCODINGS.get((int) (epoch % ENCODINGS.size()));
    boolean sealed = random.nextBoolean();
    int worldSize = random.nextInt(2, 5);
    List<DataPort> ports = Ranks.reserve(worldSize);
    List<PeerAddress> peers = Ranks.at(ports);
    List<Relay> relays = new ArrayList<>();
    long startNs = System.nanoTime();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      AtomicInteger running = new AtomicInteger(worldSize);
      List<SessionConfig> configs = new ArrayList<>();
      for (int rank = 0; rank < worldSize; rank++) {
        SessionConfig config =
            SessionConfig.of(epoch, rank, relayed(peers, rank, relays, random), MAX_FLOATS)
                .withCollective(form)
                .withEncoding(encoding)
                .withDatagrams(SessionConfig.LAN_MTU_LENGTH, SessionConfig.LAN_DATAGRAM_LENGTH)
                .withTimeouts(WAIT_NS, WAIT_NS)
                .withDriverParent(folder);
        // Shared memory is found by the key, as relays give the root another address everywhere.
        boolean needsKey = sealed || form == Collective.SHARED_MEMORY;
        configs.add(needsKey ? config.withKey(key(epoch)) : config);
      }
      ports.forEach(DataPort::close); // not before the relays have theirs, which could be the same
      List<Future<Long>> ranks =
          configs.stream()
              .map(config -> threads.submit(() -> new Rank(config, epochRounds, running).live()))
              .toList();
      for (Future<Long> rank : ranks) {
        dropped += rank.get(WAIT_NS, TimeUnit.NANOSECONDS);
      }
    } finally {
      relays.forEach(Relay::close);
    }
    rounds += epochRounds;
    lost += relays.stream().mapToInt(Relay::lost).sum();
    log.accept(
        "epoch %d: %s of %d ranks, %s, %s: %d us a round; %d rounds, %d wrong, %d lost, %d kB"
            .formatted(
                epoch,
                form,
                worldSize,
                encoding,
                sealed ? "sealed" : "readable",
                (System.nanoTime() - startNs) / 1000 / epochRounds,
                rounds,
                wrong.get(),
                lost,
                residentKb()));
  }

  private static byte[] key(long epoch) {
    byte[] key = new byte[16];
    new Random(epoch).nextBytes(key);
    return key;
  }

  private static List<PeerAddress> relayed(
      List<PeerAddress> peers, int rank, List<Relay> relays, RandomGenerator random)
      throws IOException {
    List<PeerAddress> seenByRank = new ArrayList<>();
    for (PeerAddress peer : peers) {
      if (peer.rank() == rank) {
        seenByRank.add(peer);
      } else {
        int longestBytes = random.nextInt(4) == 0 ? SessionConfig.LAN_MTU_LENGTH : ANY_LENGTH;
        Relay relay =
            Relay.unsteady(peer, random.nextLong(), LOST_PER_MILLE, longestBytes, JITTER_NS);
        relays.add(relay);
        seenByRank.add(relay.address(peer.rank()));
      }
    }
    return seenByRank;
  }

  /** One rank of an epoch, on its thread. */
  private final class Rank {
    private final SessionConfig config;
    private final int epochRounds;
    private final AtomicInteger running;
    private final float[] hidden = new float[MAX_FLOATS];

    Rank(SessionConfig config, int epochRounds, AtomicInteger running) {
      this.config = config;
      this.epochRounds = epochRounds;
      this.running = running;
    }

    /** Returns how many frames were dropped. */
    long live() {
      return config.rank() == 0 ? root() : leaf();
    }

    private long root() {
      try (RootSession root = new RootSession(config)) {
        root.connect();
        root.measureLinks();
        for (int round = 0; round < epochRounds; round++) {
          int step = round / ROUNDS_PER_STEP;
          if (round % ROUNDS_PER_STEP == 0) {
            root.beginStep(step, 0, 1, hidden, length(step, 0));
          }
          sum(step, round % ROUNDS_PER_STEP, root::allreduce);
        }
        running.decrementAndGet();
        serveUntilAllAreDone(
            () -> {
              root.keepAlive();
              LockSupport.parkNanos(100_000);
            });
        return root.counters().droppedFrames();
      }
    }

    private long leaf() {
      try (LeafSession leaf = new LeafSession(config)) {
        leaf.connect();
        int round = 0;
        while (round < epochRounds) {
          StepHeader header = leaf.awaitStep(hidden, WAIT_NS);
          if (header == null) {
            throw new AssertionError("no step came: " + config);
          }
          for (int layer = 0; layer < ROUNDS_PER_STEP && round < epochRounds; layer++, round++) {
            sum(header.step(), layer, leaf::allreduce);
          }
        }
        running.decrementAndGet();
        serveUntilAllAreDone(() -> leaf.awaitStep(hidden, TimeUnit.MILLISECONDS.toNanos(1)));
        return leaf.counters().droppedFrames();
      }
    }

    /** As what it sent last may have been lost. */
    private void serveUntilAllAreDone(Runnable serve) {
      try {
        while (running.get() > 0) {
          serve.run();
        }
      } catch (PeerLostException e) {
        if (running.get() > 0) { // ranks close when all are done
          throw e;
        }
      }
    }

    private void sum(long step, int layer, Summing session) {
      int length = length(step, layer);
      double[][] partials = new double[config.peers().size()][];
      for (int rank = 0; rank < partials.length; rank++) {
        partials[rank] = partial(rank, step, layer, length);
      }
      float[] actual = new float[length];
      session.allreduce(layer, 0, partials[config.rank()], actual, length);
      float[] expected = ScalarSums.of(config.encoding(), partials);
      if (!Arrays.equals(expected, actual)) {
        wrong.incrementAndGet();
        int at = Arrays.mismatch(expected, actual);
        log.accept(
            "WRONG: rank %d step %d layer %d length %d at %d: %s, not %s; %s"
                .formatted(
                    config.rank(), step, layer, length, at, actual[at], expected[at], config));
      }
    }

    private int length(long step, int layer) {
      Random random = new Random(seed ^ (config.epoch() << 40 | step << 8 | layer));
      return 1 + random.nextInt(random.nextInt(100) == 0 ? MAX_FLOATS : 600);
    }

    /** Values whose sum depends on the order of additions. */
    private double[] partial(int rank, long step, int layer, int length) {
      long state = seed ^ (config.epoch() << 40 | step << 16 | layer << 8 | rank);
      double scale = rank % 2 == 0 ? 1e-9 : 1e3;
      double[] values = new double[length];
      for (int i = 0; i < length; i++) {
        state = state * 6_364_136_223_846_793_005L + 1_442_695_040_888_963_407L;
        values[i] = (state >> 20) * 0x1p-43 * scale;
      }
      return values;
    }
  }

  /** A session's sum. */
  private interface Summing {
    void allreduce(int layer, int block, double[] partial, float[] sum, int length);
  }

  private static long residentKb() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0; // no Linux
    }
  }

  @SuppressWarnings("SystemOut") // for whoever runs it
  private static void say(String line) {
    System.out.println(line);
  }
}
