package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.media.Media;
import org.slf4j.LoggerFactory;

/**
 * The round protocol in any order of arrivals, turns and faults that a {@link Schedule} can make:
 * each sum that a rank gets is right to the last bit, nobody waits forever, and who stops says
 * because of whom.
 */
@Timeout(600)
class RoundProtocolTest {
  private static final long SEED = 20_261_129;
  private static final int MTU_LENGTH = 512;
  private static final int DATAGRAM_LENGTH = 1024;
  private static final int STEPS = 2;
  private static final int ROUNDS = 2; // of a step
  private static final long ROUND_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(160);
  private static final long CONNECT_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(1000);
  private static final long LEAP_NS = ROUND_TIMEOUT_NS / 16;
  private static final long IDLE_NS = 2 * ROUND_TIMEOUT_NS;

  /** Random schedules of each case; more find more. */
  private static final int RANDOM_SCHEDULES = Integer.getInteger("kith.test.schedules", 200);

  @TempDir Path folder;
  // Virtual, and so is the thread that tries: handing over to another costs no wake-up of a core.
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  private final Logger logger = (Logger) LoggerFactory.getLogger(Session.class);

  @BeforeEach
  void logNothing() {
    logger.setLevel(Level.OFF); // thousands of sessions, each with its first stranger
  }

  @AfterEach
  void end() {
    logger.setLevel(null);
    threads.shutdownNow();
    assertArrayEquals(new String[0], folder.toFile().list());
  }

  /** One run: ranks as actors, what they summed, and why they stopped. */
  private final class Run {
    private final Simulation simulation;
    private final Collective collective;
    private final int worldSize;
    private final boolean sealed;
    private final List<Simulation.Actor> actors = new ArrayList<>();
    private final List<String> ends = new ArrayList<>();
    private final int[] sums;
    private final List<Set<Long>> finished = new ArrayList<>(); // steps of each rank
    private final boolean[] servedLast; // step
    // Of 130: three frames of partial sums, two of sums. 500 are more than twice a window.
    private int length = 130;
    private int steps = STEPS;
    private long step; // of the root
    private @Nullable RootSession root;
    private final @Nullable LeafSession[] leaves;

    Run(Schedule schedule, Collective collective, int worldSize, boolean sealed) {
      simulation = new Simulation(threads, schedule, LEAP_NS);
      this.collective = collective;
      this.worldSize = worldSize;
      this.sealed = sealed;
      sums = new int[worldSize];
      servedLast = new boolean[worldSize];
      leaves = new LeafSession[worldSize];
    }

    /** Each rank lives through plans of these world sizes, as far as they have it. */
    Run ranks(int... worldSizes) {
      for (int rank = 0; rank < worldSize; rank++) {
        int own = rank;
        ends.add("");
        finished.add(new TreeSet<>());
        actors.add(
            simulation.actor(
                "rank " + rank,
                () -> {
                  for (int epoch = 1; epoch <= worldSizes.length; epoch++) {
                    if (own < worldSizes[epoch - 1]) {
                      live(own, epoch, worldSizes[epoch - 1]);
                    }
                  }
                }));
      }
      return this;
    }

    private void live(int rank, int epoch, int ranks) {
      SessionConfig config = config(rank, epoch, ranks);
      servedLast[rank] = false;
      String end;
      try {
        end = rank == 0 ? root(config) : leaf(config);
      } catch (TransportException e) {
        end = e.getMessage();
      }
      ends.set(rank, end);
    }

    private SessionConfig config(int rank, int epoch, int ranks) {
      List<PeerAddress> peers = new ArrayList<>();
      for (int i = 0; i < ranks; i++) {
        peers.add(peer(i));
      }
      SessionConfig config =
          SessionConfig.of(epoch, rank, peers, length)
              .withCollective(collective)
              .withDatagrams(MTU_LENGTH, DATAGRAM_LENGTH)
              .withTimeouts(CONNECT_TIMEOUT_NS, ROUND_TIMEOUT_NS)
              .withDriverParent(folder);
      return sealed ? config.withKey(new byte[16]) : config;
    }

    private String root(SessionConfig config) {
      float[] values = new float[length];
      Media media = simulation.open(actors.getFirst(), config);
      try (RootSession session = new RootSession(config, media, simulation.clock())) {
        root = session;
        session.connect();
        for (step = 1; step <= steps; step++) {
          try {
            session.beginStep(step, 0, 1, new float[length], length);
            for (int layer = 0; layer < ROUNDS; layer++) {
              session.allreduce(layer, 0, partial(config, step, layer, 0), values, length);
              check(config, step, layer, values);
            }
            session.allgather(ROUNDS, 0, ownRange(config, step, 0), values, ends(config));
            check(config, step, values);
            session.gather(0, values, ends(config));
            checkGathered(config, step, values);
            session.endStep();
            finished.getFirst().add(step);
          } catch (StepAbortedException e) {
            assertEquals(step, e.step());
          }
        }
        servedLast[0] = true;
        serveUntilAllAreDone(session, media, config.peers().size());
        return "finished";
      }
    }

    /** As a rank that closes takes with it what others still have to hear. */
    private void serveUntilAllAreDone(RootSession session, Media media, int ranks) {
      while (IntStream.range(0, ranks).anyMatch(r -> !servedLast[r] && actors.get(r).isAlive())) {
        session.keepAlive();
        media.await(1);
      }
    }

    private String leaf(SessionConfig config) {
      float[] values = new float[length];
      try (LeafSession session =
          new LeafSession(
              config, simulation.open(actors.get(config.rank()), config), simulation.clock())) {
        leaves[config.rank()] = session;
        session.connect();
        while (true) {
          StepHeader header = session.awaitStep(values, IDLE_NS);
          if (header == null) {
            return "idle";
          }
          try {
            for (int layer = 0; layer < ROUNDS; layer++) {
              double[] partial = partial(config, header.step(), layer, config.rank());
              session.allreduce(layer, 0, partial, values, length);
              check(config, header.step(), layer, values);
            }
            double[] own = ownRange(config, header.step(), config.rank());
            session.allgather(ROUNDS, 0, own, values, ends(config));
            check(config, header.step(), values);
            session.gather(0, gathered(config, header.step(), config.rank()), ends(config));
            finished.get(config.rank()).add(header.step());
          } catch (StepAbortedException e) {
            assertEquals(header.step(), e.step());
          }
          servedLast[config.rank()] = header.step() == steps;
        }
      }
    }

    /** What ranks have formed alone. */
    private void check(SessionConfig config, long step, float[] actual) {
      double[] sum = new double[length];
      for (int rank = 0; rank < config.peers().size(); rank++) {
        double[] own = ownRange(config, step, rank);
        Arrays.setAll(sum, i -> sum[i] + own[i]);
      }
      for (int i = 0; i < length; i++) {
        assertEquals((float) sum[i], actual[i], "step " + step + " allgather at " + i);
      }
    }

    private void check(SessionConfig config, long step, int layer, float[] actual) {
      double[] sum = new double[length];
      for (int rank = 0; rank < config.peers().size(); rank++) {
        double[] partial = partial(config, step, layer, rank);
        for (int i = 0; i < length; i++) {
          sum[i] += partial[i];
        }
      }
      for (int i = 0; i < length; i++) {
        assertEquals((float) sum[i], actual[i], "step " + step + " layer " + layer + " at " + i);
      }
      sums[config.rank()]++;
    }
  }

  /** The ranks' ranges of a vector that the root collects at the end of a step. */
  private static int[] ends(SessionConfig config) {
    int[] ends = new int[config.peers().size()];
    for (int rank = 1; rank < ends.length; rank++) {
      ends[rank] = config.maxFloats() * rank / (ends.length - 1);
    }
    return ends;
  }

  private static double[] ownRange(SessionConfig config, long step, int rank) {
    int[] ends = ends(config);
    double[] values = partial(config, step, ROUNDS, rank);
    Arrays.fill(values, 0, rank == 0 ? 0 : ends[rank - 1], 0);
    Arrays.fill(values, ends[rank], values.length, 0);
    return values;
  }

  private static float[] gathered(SessionConfig config, long step, int rank) {
    float[] values = new float[config.maxFloats()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (step * 7 + rank) * 1000 + i;
    }
    return values;
  }

  private static void checkGathered(SessionConfig config, long step, float[] actual) {
    int[] ends = ends(config);
    for (int rank = 1; rank < ends.length; rank++) {
      float[] expected = gathered(config, step, rank);
      for (int i = ends[rank - 1]; i < ends[rank]; i++) {
        assertEquals(expected[i], actual[i], "of rank " + rank + " in step " + step + " at " + i);
      }
    }
  }

  private static PeerAddress peer(int rank) {
    return new PeerAddress(rank, "127.0.0.1", rank + 1);
  }

  /** No two are alike, and the sums depend on the order of the ranks. */
  private static double[] partial(SessionConfig config, long step, int layer, int rank) {
    double[] values = new double[config.maxFloats()];
    for (int i = 0; i < values.length; i++) {
      long seed = ((config.epoch() * 7 + step) * 7 + layer) * 7 + rank;
      values[i] = (seed * 1000 + i) * (rank % 2 == 0 ? 1e-9 : 1e3) / 3;
    }
    return values;
  }

  private void explore(int departures, Consumer<Schedule> run) throws Exception {
    explore(departures, false, run);
  }

  private void explore(int departures, boolean starving, Consumer<Schedule> run) throws Exception {
    int count = starving ? 10 * RANDOM_SCHEDULES : RANDOM_SCHEDULES; // it must meet rare moments
    threads
        .submit(
            () -> {
              Schedule.exhaust(departures, run);
              Schedule.random(SEED, count, starving, run);
            })
        .get(500, TimeUnit.SECONDS);
  }

  @ParameterizedTest
  @CsvSource({
    "STAR, 2, 2", "STAR, 3, 1",
    "DIRECT, 2, 2", "DIRECT, 3, 1",
    "TWO_SHOT, 2, 2", "TWO_SHOT, 3, 1",
    "SHARED_MEMORY, 2, 1", "SHARED_MEMORY, 3, 1"
  })
  void shouldSumInAnyOrderOfArrivals(Collective collective, int worldSize, int departures)
      throws Exception {
    explore(
        departures,
        schedule -> {
          Run run = new Run(schedule, collective, worldSize, false).ranks(worldSize);
          run.simulation.run();
          for (int rank = 0; rank < worldSize; rank++) {
            assertEquals(STEPS * ROUNDS, run.sums[rank], "rank " + rank + run.ends);
          }
          assertEquals("finished", run.ends.getFirst());
        });
  }

  /** A leaf may be a step behind, and hear of the abort of a step that it has not begun. */
  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          STAR,          130
          STAR,          500
          DIRECT,        130
          DIRECT,        500
          TWO_SHOT,      130
          TWO_SHOT,      500
          SHARED_MEMORY, 130
          """)
  void shouldGoOnAfterAnAbortAtAnyTime(Collective collective, int length) throws Exception {
    Set<Integer> summed = new TreeSet<>();
    explore(
        1,
        true,
        schedule -> {
          Run run = new Run(schedule, collective, 3, false).ranks(3);
          run.length = length;
          run.steps = 3;
          run.simulation.event(
              "abort",
              () -> {
                if (run.root != null && run.step < run.steps) {
                  run.root.abort(run.step);
                }
              });
          run.simulation.run();
          summed.add(run.sums[0]);
          for (int rank = 0; rank < 3; rank++) {
            assertTrue(run.sums[rank] >= 2 * ROUNDS, "the other steps: " + run.ends);
            assertFalse(run.ends.get(rank).contains("silent"), run.ends::toString);
            assertTrue(
                run.finished.get(rank).containsAll(run.finished.getFirst()),
                "what the root has finished: " + run.finished);
          }
          assertEquals("finished", run.ends.getFirst());
        });
    assertTrue(summed.size() > 1, "no abort ever came within a step: " + summed);
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          STAR,          130, 0
          STAR,          130, 1
          DIRECT,        130, 0
          DIRECT,        130, 1
          DIRECT,        500, 0
          DIRECT,        500, 1
          TWO_SHOT,      130, 0
          TWO_SHOT,      130, 1
          TWO_SHOT,      500, 0
          TWO_SHOT,      500, 1
          SHARED_MEMORY, 130, 0
          SHARED_MEMORY, 130, 1
          """)
  void shouldNameARankThatDiesAtAnyTime(Collective collective, int length, int victim)
      throws Exception {
    Set<String> ends = new TreeSet<>();
    explore(
        1,
        schedule -> {
          Run run = new Run(schedule, collective, 3, false).ranks(3);
          run.length = length;
          boolean[] killed = new boolean[1];
          run.simulation.event(
              "death of rank " + victim,
              () -> {
                killed[0] = true;
                run.actors.get(victim).kill();
              });
          run.simulation.run();
          for (int rank = 0; rank < 3; rank++) {
            if (rank != victim && killed[0]) {
              ends.add(run.ends.get(rank));
              assertNames(victim, run.ends, rank);
            }
          }
        });
    assertTrue(ends.stream().anyMatch(end -> end.contains(" of step ")), ends::toString);
  }

  /** Or came to its end before that mattered. */
  private static void assertNames(int victim, List<String> ends, int rank) {
    String end = ends.get(rank);
    boolean isEnd =
        end.equals("finished")
            || end.equals("idle")
            || end.startsWith("lost " + peer(0) + ": it closed its session");
    boolean named = end.contains("lost " + peer(victim)) || end.startsWith("not connected in time");
    assertTrue(isEnd || named, "rank " + rank + " of " + ends);
  }

  /** The plan changes while rounds go on; the rank that has to go does not know and sends on. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
  void shouldSumInANewEpochWhileFramesOfTheOldOneStillArrive(Collective collective)
      throws Exception {
    Set<Integer> summed = new TreeSet<>();
    explore(
        1,
        schedule -> {
          Run run = new Run(schedule, collective, 3, false).ranks(3, 2);
          TransportException cause = new TransportException("rank 2 left");
          run.simulation.event(
              "root is told",
              () -> {
                if (run.root != null) {
                  run.root.fail(cause);
                }
              });
          run.simulation.event(
              "leaf is told",
              () -> {
                if (run.leaves[1] != null) {
                  run.leaves[1].fail(cause);
                }
              });
          run.simulation.run();
          summed.add(run.sums[0]);
        });
    assertTrue(summed.size() > 2, "no change ever came within a step: " + summed);
  }

  @ParameterizedTest
  @EnumSource(names = {"STAR", "DIRECT", "TWO_SHOT"})
  void shouldBearFramesThatComeTwiceWhenSealed(Collective collective) throws Exception {
    explore(
        0,
        schedule -> {
          Run run = new Run(schedule, collective, 3, true).ranks(3);
          run.simulation.duplicate();
          run.simulation.run();
          assertEquals("finished", run.ends.getFirst());
          assertEquals(STEPS * ROUNDS, run.sums[0]);
        });
  }

  @Test
  void shouldRepeatARunThatIsTriedAgain() throws Exception {
    List<String> ends = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      explore(
          0,
          schedule -> {
            Run run = new Run(schedule, Collective.TWO_SHOT, 3, false).ranks(3);
            run.simulation.run();
            ends.add(run.simulation.toString());
          });
    }
    int runs = ends.size() / 2;
    assertEquals(ends.subList(0, runs), ends.subList(runs, 2 * runs));
  }
}
