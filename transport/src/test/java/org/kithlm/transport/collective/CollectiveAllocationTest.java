package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kithlm.transport.Collective;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.SessionConfig;

@Timeout(60)
class CollectiveAllocationTest {
  private static final int LENGTH = 20_000; // several frames
  private static final int WARM_UP_ROUNDS = 10_000;
  private static final int ROUNDS = 4000;

  // A timer of Aeron may allocate now and then (some 700 bytes were seen). Were it every round, it
  // would be 16 bytes or more each.
  private static final long ALLOWED_BYTES = ROUNDS;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void shouldNotAllocatePerRound(Collective collective) throws Exception {
    List<PeerAddress> peers = Ranks.onLoopback(2);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      Future<Long> leafBytes =
          threads.submit(() -> leaf(config(1, peers).withCollective(collective)));
      Future<Long> rootBytes =
          threads.submit(() -> root(config(0, peers).withCollective(collective)));

      assertFew("root", rootBytes.get(50, TimeUnit.SECONDS));
      assertFew("leaf", leafBytes.get(50, TimeUnit.SECONDS));
    }
  }

  private static void assertFew(String who, long bytes) {
    assertTrue(bytes < ALLOWED_BYTES, who + " allocated " + bytes + " bytes in " + ROUNDS);
  }

  private static long root(SessionConfig config) {
    float[] values = new float[LENGTH];
    try (RootSession root = new RootSession(config)) {
      root.connect();
      root.beginStep(0, 0, 1, values, LENGTH);
      double[] partial = new double[LENGTH];
      return allocated(round -> root.allreduce(round, 0, partial, values, LENGTH));
    }
  }

  private static long leaf(SessionConfig config) {
    float[] values = new float[LENGTH];
    try (LeafSession leaf = new LeafSession(config)) {
      leaf.connect();
      assertNotNull(leaf.awaitStep(values, TimeUnit.SECONDS.toNanos(20)));
      double[] partial = new double[LENGTH];
      return allocated(round -> leaf.allreduce(round, 0, partial, values, LENGTH));
    }
  }

  private static long allocated(Round round) {
    for (int i = 0; i < WARM_UP_ROUNDS; i++) {
      round.run(i);
    }
    long before = THREADS.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < ROUNDS; i++) {
      round.run(WARM_UP_ROUNDS + i);
    }
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }

  private interface Round {
    void run(int round);
  }

  private SessionConfig config(int rank, List<PeerAddress> peers) {
    return SessionConfig.of(1, rank, peers, LENGTH).withDriverParent(folder);
  }
}
