package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.TransportException;
import org.kithlm.transport.frame.FrameFlyweight;
import org.kithlm.transport.frame.FrameKind;
import org.kithlm.transport.frame.FrameSeal;
import org.slf4j.LoggerFactory;

/** What ends a step or a session, and what does not. Root and leaf as threads, over UDP. */
@Timeout(60)
class SessionRulesTest {
  private static final long EPOCH = 12;
  private static final int LENGTH = 2000;
  private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(20);

  @TempDir Path folder;
  private final List<PeerAddress> peers = Ranks.onLoopback(2);
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

  @Test
  void shouldAbortAWaitingRootAndItsLeafAndGoOnWithTheNextStep() throws Exception {
    CountDownLatch aborted = new CountDownLatch(1);
    try (RootSession root = new RootSession(config(0, EPOCH))) {
      Future<?> leafDone =
          threads.submit(
              () -> {
                float[] values = new float[LENGTH];
                try (LeafSession leaf = new LeafSession(config(1, EPOCH))) {
                  leaf.connect();
                  assertStep(1, leaf.awaitStep(values, WAIT_NS));
                  values[0] = 1;
                  InPlace.sum(leaf, 0, 0, values, LENGTH);
                  assertEquals(3, values[0]);
                  root.abort(1); // the root waits for layer 1 now, or soon
                  aborted.await();
                  assertThrows(
                      StepAbortedException.class, () -> InPlace.sum(leaf, 1, 0, values, LENGTH));
                  assertThrows(
                      StepAbortedException.class, () -> InPlace.sum(leaf, 2, 0, values, LENGTH));
                  assertStep(2, leaf.awaitStep(values, WAIT_NS));
                  values[0] = 10;
                  InPlace.sum(leaf, 0, 0, values, LENGTH);
                  assertEquals(30, values[0]);
                }
                return null;
              });
      float[] values = new float[LENGTH];
      root.connect();
      root.beginStep(1, 0, 1, values, LENGTH);
      values[0] = 2;
      InPlace.sum(root, 0, 0, values, LENGTH);
      StepAbortedException error =
          assertThrows(StepAbortedException.class, () -> InPlace.sum(root, 1, 0, values, LENGTH));
      assertEquals(1, error.step());
      aborted.countDown();
      root.beginStep(2, 0, 1, values, LENGTH);
      values[0] = 20;
      InPlace.sum(root, 0, 0, values, LENGTH);
      assertEquals(30, values[0]);
      assertTrue(root.counters().droppedFrames() > 0, "the late partial sum of step 1");
      assertEquals(2, root.counters().rounds());
      leafDone.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void shouldRefuseAStepThatWasAbortedBeforeItBegan() {
    try (RootSession root = new RootSession(alone())) {
      root.connect();
      root.abort(5);
      float[] values = {1};
      assertThrows(StepAbortedException.class, () -> root.beginStep(5, 0, 1, values, 1));
      root.beginStep(6, 0, 1, values, 1);
      InPlace.sum(root, 0, 0, values, 1);
      assertEquals(1, root.counters().rounds());
    }
  }

  @Test
  void shouldReportNothingWhenNoStepBegins() throws Exception {
    try (RootSession root = new RootSession(config(0, EPOCH));
        LeafSession leaf = new LeafSession(config(1, EPOCH))) {
      connect(root, leaf);
      assertNull(leaf.awaitStep(new float[LENGTH], TimeUnit.MILLISECONDS.toNanos(1)));
      root.keepAlive();
    }
  }

  @Test
  void shouldKeepPartialSumsThatComeDuringKeepAlive() throws Exception {
    try (RootSession root = new RootSession(config(0, EPOCH));
        LeafSession leaf = new LeafSession(config(1, EPOCH))) {
      connect(root, leaf);
      Future<?> leafDone =
          threads.submit(
              () -> {
                float[] values = new float[LENGTH];
                assertStep(1, leaf.awaitStep(values, WAIT_NS));
                Arrays.fill(values, 0.1f);
                values[0] = 1;
                InPlace.sum(leaf, 0, 0, values, LENGTH);
              });
      float[] values = new float[LENGTH];
      root.beginStep(1, 0, 1, values, LENGTH);
      long before = root.counters().receivedBytes();
      long deadlineNs = System.nanoTime() + WAIT_NS;
      while (leaf.counters().sentBytes() < LENGTH * 3) { // the numbers have 24 bits and a sign
        assertTrue(System.nanoTime() < deadlineNs, "the leaf sends nothing");
        root.keepAlive();
      }
      for (int i = 0; i < 100; i++) {
        root.keepAlive();
      }
      assertEquals(before, root.counters().receivedBytes());
      values[0] = 2;
      InPlace.sum(root, 0, 0, values, LENGTH);
      assertEquals(3, values[0]);
      assertEquals(0, root.counters().droppedFrames());
      leafDone.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void shouldStartNoThread() {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    try (RootSession root = new RootSession(alone())) {
      root.connect();
      assertEquals(before, Thread.getAllStackTraces().keySet());
    }
  }

  @Test
  void shouldEndWaitsOfRootAndLeafWhenFailedFromOutside() throws Exception {
    try (RootSession root = new RootSession(config(0, EPOCH));
        LeafSession leaf = new LeafSession(config(1, EPOCH))) {
      connect(root, leaf);
      float[] values = new float[LENGTH];
      root.beginStep(1, 0, 1, values, LENGTH);
      IllegalStateException cause = new IllegalStateException("rank 1 left the cluster");
      Future<?> rootWaits = threads.submit(() -> InPlace.sum(root, 0, 0, values, LENGTH));
      Future<?> leafWaits =
          threads.submit(
              () -> {
                float[] hidden = new float[LENGTH];
                assertStep(1, leaf.awaitStep(hidden, WAIT_NS));
                leaf.awaitStep(hidden, WAIT_NS);
              });
      root.fail(cause);
      root.fail(new IllegalStateException("a later one"));
      leaf.fail(cause);
      assertSame(cause, assertThrows(Exception.class, () -> rootWaits.get()).getCause());
      assertSame(cause, assertThrows(Exception.class, () -> leafWaits.get()).getCause());
      assertSame(
          cause, assertThrows(Exception.class, () -> InPlace.sum(root, 0, 0, values, LENGTH)));
      assertSame(cause, assertThrows(Exception.class, root::keepAlive));
    }
  }

  @Test
  void shouldReportAClosedLeafAtOnce() throws Exception {
    try (RootSession root = new RootSession(config(0, EPOCH))) {
      try (LeafSession leaf = new LeafSession(config(1, EPOCH))) {
        connect(root, leaf);
      }
      float[] values = new float[LENGTH];
      PeerLostException error =
          assertThrows(
              PeerLostException.class,
              () -> {
                root.beginStep(1, 0, 1, values, LENGTH);
                InPlace.sum(root, 0, 0, values, LENGTH);
              });
      assertEquals(peers.get(1), error.peer());
      assertSays(error, "closed");
    }
  }

  @Test
  void shouldReportASilentLeafAfterTheRoundTimeout() throws Exception {
    SessionConfig impatient =
        config(0, EPOCH).withTimeouts(WAIT_NS, TimeUnit.MILLISECONDS.toNanos(50));
    try (RootSession root = new RootSession(impatient);
        LeafSession leaf = new LeafSession(config(1, EPOCH))) {
      connect(root, leaf);
      float[] values = new float[LENGTH];
      root.beginStep(4, 0, 1, values, LENGTH);
      PeerLostException error =
          assertThrows(PeerLostException.class, () -> InPlace.sum(root, 3, 1, values, LENGTH));
      assertEquals(1, error.peer().rank());
      assertSays(error, peers.get(1).endpoint());
      assertSays(error, "step 4 layer 3 block 1");
      assertSame(error, assertThrows(PeerLostException.class, root::keepAlive));
    }
  }

  @Test
  void shouldNameMissingRanks() {
    SessionConfig impatient =
        config(0, EPOCH).withTimeouts(TimeUnit.MILLISECONDS.toNanos(100), WAIT_NS);
    try (RootSession root = new RootSession(impatient)) {
      TransportException error = assertThrows(TransportException.class, root::connect);
      assertSays(error, peers.get(1).toString());
    }
  }

  @Test
  void shouldNotConnectToAnotherEpoch() throws Exception {
    long shortNs = TimeUnit.MILLISECONDS.toNanos(300);
    try (RootSession root = new RootSession(config(0, EPOCH).withTimeouts(shortNs, WAIT_NS));
        LeafSession leaf = new LeafSession(config(1, EPOCH - 1).withTimeouts(shortNs, WAIT_NS))) {
      Future<?> leafConnects = threads.submit(leaf::connect);
      assertThrows(TransportException.class, root::connect);
      assertThrows(Exception.class, () -> leafConnects.get());
      assertTrue(root.counters().droppedFrames() > 0, "hellos of the other epoch");
    }
  }

  @Test
  void shouldRefuseALeafWithOtherLimits() throws Exception {
    SessionConfig other = SessionConfig.of(EPOCH, 1, peers, LENGTH + 1).withDriverParent(folder);
    try (RootSession root = new RootSession(config(0, EPOCH));
        LeafSession leaf = new LeafSession(other)) {
      Future<?> leafConnects = threads.submit(leaf::connect);
      TransportException error = assertThrows(TransportException.class, root::connect);
      assertSays(error, "maxFloats=2001");
      leaf.fail(error);
      assertThrows(Exception.class, () -> leafConnects.get());
    }
  }

  @Test
  void shouldDropHostileFramesAndTakeTheGoodOne() throws Exception {
    long seed = 99;
    Random random = new Random(seed);
    int hostileFrames = 3000;
    try (RootSession root = new RootSession(config(0, EPOCH));
        FakeLeaf leaf = new FakeLeaf(config(1, EPOCH))) {
      float[] values = new float[LENGTH];
      Thread rootThread =
          new Thread(
              () -> {
                root.connect();
                root.beginStep(1, 0, 1, new float[LENGTH], LENGTH);
                InPlace.sum(root, 3, 1, values, LENGTH);
              });
      rootThread.start();
      leaf.connect();
      float[] good = new float[LENGTH];
      for (int i = 0; i < LENGTH; i++) {
        good[i] = i;
      }
      FrameFlyweight header = leaf.header().subject(FrameKind.PARTIAL, 1, 3, 1);
      for (int i = 0; i < hostileFrames; i++) {
        int lengthBytes = leaf.encode(header.part(0, 500, LENGTH), good);
        if (i % 4 == 0) {
          lengthBytes = random.nextInt(1, lengthBytes);
        } else {
          int at = random.nextInt(FrameFlyweight.HEADER_LENGTH_BYTES);
          byte wrong = (byte) (leaf.buffer().getByte(at) ^ random.nextInt(1, 256));
          leaf.buffer().putByte(at, wrong);
        }
        leaf.send(lengthBytes);
      }
      leaf.send(header.part(0, LENGTH, LENGTH), good);
      leaf.driveUntilDone(rootThread);
      assertArrayEquals(good, values, "seed=" + seed);
      assertEquals(hostileFrames, root.counters().droppedFrames(), "seed=" + seed);
    }
  }

  @Test
  void shouldDropReplayedChangedAndForeignFramesWhenSealed() throws Exception {
    byte[] key = new byte[16];
    byte[] otherKey = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    float[] ones = new float[500];
    Arrays.fill(ones, 1);
    try (Log log = new Log();
        RootSession root = new RootSession(config(0, EPOCH).withKey(key));
        FakeLeaf leaf = new FakeLeaf(config(1, EPOCH).withKey(key))) {
      FrameSeal foreign =
          new FrameSeal(new SecretKeySpec(otherKey, "AES"), 1, leaf.buffer().capacity());
      float[] values = new float[500];
      Thread rootThread =
          new Thread(
              () -> {
                root.connect();
                root.beginStep(1, 0, 1, values, 500);
                InPlace.sum(root, 3, 1, values, 500);
                InPlace.sum(root, 3, 1, values, 500);
              });
      rootThread.start();
      leaf.connect();
      FrameFlyweight header = leaf.header().subject(FrameKind.PARTIAL, 1, 3, 1).part(0, 500, 500);
      int lengthBytes = leaf.encode(header, ones);
      leaf.send(lengthBytes);
      leaf.send(lengthBytes); // the same again
      leaf.encode(header, ones);
      leaf.buffer().putByte(100, (byte) (leaf.buffer().getByte(100) ^ 1));
      leaf.send(lengthBytes);
      foreign.seal(header, leaf.elements(header, ones), 0, 1L << 40, leaf.buffer(), 0);
      leaf.send(lengthBytes);
      header.copyTo(leaf.buffer(), 0, leaf.elements(header, ones)); // not sealed at all
      leaf.send(lengthBytes - FrameSeal.OVERHEAD_BYTES);
      leaf.send(leaf.encode(header, ones));
      leaf.driveUntilDone(rootThread);
      assertEquals(2, values[499]);
      assertEquals(4, root.counters().droppedFrames());
      assertEquals(
          List.of(
              "rank 0 dropped a frame: it was sent before; more of these are only counted",
              "rank 0 dropped a frame: it is not sealed with the key of this plan; more of these"
                  + " are only counted"),
          log.lines());
    }
  }

  /** It knows the key of the plan before, and all that it has sealed with that. */
  @Test
  void shouldDropFramesOfANodeThatWasRemoved() throws Exception {
    byte[] key = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    float[] ones = new float[500];
    Arrays.fill(ones, 1);
    try (Log log = new Log();
        RootSession root = new RootSession(config(0, EPOCH).withKey(key));
        FakeLeaf leaf = new FakeLeaf(config(1, EPOCH).withKey(key))) {
      FrameSeal removed =
          new FrameSeal(new SecretKeySpec(new byte[16], "AES"), 1, leaf.buffer().capacity());
      float[] values = new float[500];
      Thread rootThread =
          new Thread(
              () -> {
                root.connect();
                root.beginStep(1, 0, 1, values, 500);
                InPlace.sum(root, 3, 1, values, 500);
              });
      rootThread.start();
      leaf.connect();
      FrameFlyweight own = leaf.header().subject(FrameKind.PARTIAL, 1, 3, 1).part(0, 500, 500);
      int lengthBytes = leaf.encode(own, ones);
      for (long epoch : new long[] {EPOCH - 1, EPOCH}) {
        FrameFlyweight header =
            FrameFlyweight.allocateHeader(epoch, 1)
                .subject(FrameKind.PARTIAL, 1, 3, 1)
                .part(0, 500, 500);
        removed.seal(header, leaf.elements(header, ones), 0, (1L << 40) + epoch, leaf.buffer(), 0);
        leaf.send(lengthBytes);
      }
      leaf.send(leaf.encode(own, ones));
      leaf.driveUntilDone(rootThread);
      assertEquals(1, values[499]);
      assertEquals(2, root.counters().droppedFrames());
      assertTrue(log.lines().getFirst().contains("not sealed with the key of this plan"));
    }
  }

  /** What sessions log from now on. */
  private static final class Log implements AutoCloseable {
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(Session.class);

    Log() {
      appender.start();
      logger.addAppender(appender);
    }

    List<String> lines() {
      return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Override
    public void close() {
      logger.detachAppender(appender);
    }
  }

  @Test
  void shouldNotConnectRanksWithOtherKeys() throws Exception {
    long shortNs = TimeUnit.MILLISECONDS.toNanos(300);
    try (RootSession root =
            new RootSession(config(0, EPOCH).withKey(new byte[16]).withTimeouts(shortNs, WAIT_NS));
        LeafSession leaf = new LeafSession(config(1, EPOCH).withTimeouts(shortNs, WAIT_NS))) {
      Future<?> leafConnects = threads.submit(leaf::connect);
      assertThrows(TransportException.class, root::connect);
      assertThrows(Exception.class, () -> leafConnects.get());
      assertTrue(root.counters().droppedFrames() > 0, "hellos that are not sealed");
    }
  }

  @Test
  void shouldRefuseAKeyOfAnotherLength() {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> alone().withKey(new byte[15]));
    assertSays(error, "key.length=15");
  }

  @Test
  void shouldWorkAgainAtTheSamePortsInANewEpoch() throws Exception {
    for (long epoch = 1; epoch <= 3; epoch++) {
      try (RootSession root = new RootSession(config(0, epoch));
          LeafSession leaf = new LeafSession(config(1, epoch))) {
        connect(root, leaf);
        Future<?> leafDone =
            threads.submit(
                () -> {
                  float[] values = new float[LENGTH];
                  assertStep(1, leaf.awaitStep(values, WAIT_NS));
                  values[0] = 1;
                  InPlace.sum(leaf, 0, 0, values, LENGTH);
                });
        float[] values = new float[LENGTH];
        root.beginStep(1, 0, 1, values, LENGTH);
        values[0] = 2;
        InPlace.sum(root, 0, 0, values, LENGTH);
        assertEquals(3, values[0]);
        leafDone.get(20, TimeUnit.SECONDS);
      }
    }
  }

  private void connect(RootSession root, LeafSession leaf) throws Exception {
    Future<?> leafConnects = threads.submit(leaf::connect);
    root.connect();
    leafConnects.get(20, TimeUnit.SECONDS);
  }

  private static void assertSays(Throwable error, String part) {
    assertTrue(error.toString().contains(part), error::toString);
  }

  private static void assertStep(long step, @Nullable StepHeader header) {
    assertNotNull(header);
    assertEquals(step, header.step());
  }

  private SessionConfig alone() {
    return SessionConfig.of(EPOCH, 0, peers.subList(0, 1), LENGTH).withDriverParent(folder);
  }

  private SessionConfig config(int rank, long epoch) {
    return SessionConfig.of(epoch, rank, peers, LENGTH).withDriverParent(folder);
  }
}
