package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;

/** A root and two leaves as threads: what ends a step or a session, whatever the form. */
@Timeout(60)
class MeshRulesTest {
  private static final int LENGTH = 25_000; // several frames
  private static final long SEED = 20_261_130;
  private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(20);

  @TempDir Path folder;
  private final List<PeerAddress> peers = Ranks.onLoopback(3);
  private ExecutorService threads;

  @BeforeEach
  void start() {
    threads = Executors.newCachedThreadPool();
  }

  @AfterEach
  void shouldLeaveNoDriverBehind() {
    threads.close();
    assertArrayEquals(new String[0], folder.toFile().list());
  }

  @ParameterizedTest
  @EnumSource
  void shouldAbortRanksThatWaitForALeafAndGoOnWithTheNextStep(Collective collective)
      throws Exception {
    try (RootSession root = new RootSession(config(0, collective, WAIT_NS));
        LeafSession first = new LeafSession(config(1, collective, WAIT_NS));
        LeafSession second = new LeafSession(config(2, collective, WAIT_NS))) {
      connect(root, first, second);
      Future<?> firstDone =
          threads.submit(
              () -> {
                float[] values = new float[LENGTH];
                awaitStep(first, values, 1);
                assertThrows(
                    StepAbortedException.class,
                    () -> first.allreduce(0, 0, longTerms(), values, LENGTH));
                assertSumOfNextStep(first, values);
              });
      Future<?> secondIdles = threads.submit(() -> awaitStep(second, new float[LENGTH], 1));
      float[] values = new float[LENGTH];
      root.beginStep(1, 0, 1, values, LENGTH);
      secondIdles.get(20, TimeUnit.SECONDS);
      Future<?> rootWaits = threads.submit(() -> root.allreduce(0, 0, longTerms(), values, LENGTH));
      await( // both wait for the second leaf now
          () -> collective == Collective.SHARED_MEMORY || first.counters().sentBytes() > LENGTH);
      root.abort(1);
      assertThrows(ExecutionException.class, () -> rootWaits.get(20, TimeUnit.SECONDS));
      Future<?> secondDone =
          threads.submit(
              () -> {
                float[] hidden = new float[LENGTH];
                awaitStep(second, hidden, 2);
                assertSum(second, hidden);
              });
      root.beginStep(2, 0, 1, values, LENGTH);
      Arrays.fill(values, 1);
      InPlace.sum(root, 0, 0, values, LENGTH);
      assertEquals(6, values[LENGTH - 1]);
      firstDone.get(20, TimeUnit.SECONDS);
      secondDone.get(20, TimeUnit.SECONDS);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldFinishAStepOnALeafThatIsBehindWhenTheRootBeginsTheNext(boolean aborted)
      throws Exception {
    int length = 16; // one frame
    try (RootSession root = new RootSession(config(0, Collective.DIRECT, WAIT_NS));
        LeafSession first = new LeafSession(config(1, Collective.DIRECT, WAIT_NS));
        FakeLeaf second = new FakeLeaf(config(2, Collective.DIRECT, WAIT_NS))) {
      Thread rootThread =
          Thread.ofPlatform()
              .start(
                  () -> {
                    root.connect();
                    float[] values = new float[length];
                    root.beginStep(1, 0, 1, values, length);
                    InPlace.sum(root, 0, 0, values, length);
                    root.endStep();
                    if (aborted) {
                      root.abort(1); // it comes too late
                    }
                    root.beginStep(2, 0, 1, values, length);
                  });
      Future<float[]> sum =
          threads.submit(
              () -> {
                first.connect();
                awaitStep(first, new float[LENGTH], 1);
                float[] values = new float[length];
                InPlace.sum(first, 0, 0, values, length);
                return values;
              });
      float[] partial = new float[length];
      Arrays.fill(partial, 3);
      FrameFlyweight frame =
          second.header().subject(FrameKind.PARTIAL, 1, 0, 0).part(0, length, length);
      second.connect();
      second.send(frame, partial);
      second.turnTo(1);
      second.connect();
      second.driveUntilDone(rootThread); // it has begun the next step
      second.send(frame, partial);
      assertArrayEquals(partial, sum.get(20, TimeUnit.SECONDS));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameTheSilentLeafOnAllRanksThatWait(Collective collective) throws Exception {
    long timeoutNs = TimeUnit.MILLISECONDS.toNanos(800);
    try (LeafSession first = new LeafSession(config(1, collective, 10 * timeoutNs));
        LeafSession silent = new LeafSession(config(2, collective, WAIT_NS))) {
      Future<?> firstWaits;
      try (RootSession root = new RootSession(config(0, collective, timeoutNs))) {
        connect(root, first, silent);
        firstWaits = threads.submit(() -> sumInStep(first, 4));
        float[] values = new float[LENGTH];
        root.beginStep(4, 0, 1, values, LENGTH);
        PeerLostException error =
            assertThrows(PeerLostException.class, () -> InPlace.sum(root, 3, 1, values, LENGTH));
        assertEquals(peers.get(2), error.peer());
        assertSays(error, peers.get(2).endpoint());
        assertSays(error, "step 4 layer 3 block 1");
      } // the goodbye says why
      assertNamesTheSecondLeaf(firstWaits);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameALeafThatClosed(Collective collective) throws Exception {
    try (LeafSession first = new LeafSession(config(1, collective, WAIT_NS))) {
      Future<?> firstWaits;
      try (RootSession root = new RootSession(config(0, collective, WAIT_NS))) {
        try (LeafSession second = new LeafSession(config(2, collective, WAIT_NS))) {
          connect(root, first, second);
        }
        firstWaits = threads.submit(() -> sumInStep(first, 1));
        float[] values = new float[LENGTH];
        PeerLostException error =
            assertThrows(
                PeerLostException.class,
                () -> {
                  root.beginStep(1, 0, 1, values, LENGTH);
                  InPlace.sum(root, 3, 1, values, LENGTH);
                });
        assertEquals(peers.get(2), error.peer());
      }
      assertNamesTheSecondLeaf(firstWaits);
    }
  }

  @Test
  void shouldDropFramesThatALeafOfAnotherEpochSendsToALeaf() throws Exception {
    SessionConfig old = config(2, Collective.DIRECT, WAIT_NS);
    try (RootSession root = new RootSession(config(0, Collective.DIRECT, WAIT_NS));
        LeafSession first = new LeafSession(config(1, Collective.DIRECT, WAIT_NS));
        LeafSession second = new LeafSession(old)) {
      List<PeerAddress> ofStranger =
          List.of(new PeerAddress(0, "127.0.0.1", peers.get(1).port()), Ranks.onLoopback(2).get(1));
      SessionConfig otherEpoch =
          SessionConfig.of(old.epoch() + 1, 1, ofStranger, LENGTH).withDriverParent(folder);
      try (FakeLeaf stranger = new FakeLeaf(otherEpoch)) {
        connect(root, first, second);
        Future<?> hellos = threads.submit(stranger::connect);
        float[] hidden = new float[LENGTH];
        await(
            () -> {
              first.awaitStep(hidden, TimeUnit.MILLISECONDS.toNanos(5));
              return first.counters().droppedFrames() >= 2;
            });
        hellos.get(20, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void shouldRefuseALeafThatUsesAnotherForm() throws Exception {
    try (RootSession root = new RootSession(config(0, Collective.DIRECT, WAIT_NS));
        LeafSession leaf = new LeafSession(config(1, Collective.STAR, WAIT_NS))) {
      Future<?> leafConnects = threads.submit(leaf::connect);
      TransportException error = assertThrows(TransportException.class, root::connect);
      assertSays(error, "collective=1");
      leaf.fail(error);
      assertThrows(ExecutionException.class, leafConnects::get);
    }
  }

  /** Numbers that need all of their 8 bytes, in all more than Aeron's window. */
  private static double[] longTerms() {
    return new Random(SEED).doubles(LENGTH).toArray();
  }

  private static void sumInStep(LeafSession leaf, long step) {
    float[] values = new float[LENGTH];
    awaitStep(leaf, values, step);
    InPlace.sum(leaf, 3, 1, values, LENGTH);
  }

  private void assertNamesTheSecondLeaf(Future<?> waiting) {
    ExecutionException error =
        assertThrows(ExecutionException.class, () -> waiting.get(20, TimeUnit.SECONDS));
    assertSays(error, "lost " + peers.get(2));
  }

  private static void assertSumOfNextStep(LeafSession leaf, float[] values) {
    awaitStep(leaf, values, 2);
    assertSum(leaf, values);
  }

  private static void assertSum(LeafSession leaf, float[] values) {
    Arrays.fill(values, 2.5f);
    InPlace.sum(leaf, 0, 0, values, LENGTH);
    assertEquals(6, values[0]);
    assertEquals(6, values[LENGTH - 1]);
  }

  private static void awaitStep(LeafSession leaf, float[] values, long step) {
    StepHeader header = leaf.awaitStep(values, WAIT_NS);
    assertNotNull(header);
    assertEquals(step, header.step());
  }

  private void connect(RootSession root, LeafSession first, LeafSession second) throws Exception {
    Future<?> firstConnects = threads.submit(first::connect);
    Future<?> secondConnects = threads.submit(second::connect);
    root.connect();
    firstConnects.get(20, TimeUnit.SECONDS);
    secondConnects.get(20, TimeUnit.SECONDS);
  }

  private static void await(BooleanSupplier condition) {
    long startNs = System.nanoTime();
    while (!condition.getAsBoolean()) {
      long waitedNs = System.nanoTime() - startNs;
      assertTrue(waitedNs < WAIT_NS, "waited too long");
      LockSupport.parkNanos(100_000);
    }
  }

  private static void assertSays(Throwable error, String part) {
    assertTrue(error.toString().contains(part), error::toString);
  }

  private SessionConfig config(int rank, Collective collective, long roundTimeoutNs) {
    return SessionConfig.of(12, rank, peers, LENGTH)
        .withDriverParent(folder)
        .withCollective(collective)
        .withTimeouts(WAIT_NS, roundTimeoutNs);
  }
}
