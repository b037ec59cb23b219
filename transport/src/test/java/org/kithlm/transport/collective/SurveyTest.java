package org.kithlm.transport.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.kithlm.transport.Collective;
import org.kithlm.transport.LinkCosts;
import org.kithlm.transport.PeerAddress;
import org.kithlm.transport.PeerLostException;
import org.kithlm.transport.SessionConfig;

/** What is measured over links whose latency is known, and what is picked by that. */
@Timeout(120)
class SurveyTest {
  private static final int RANKS = 3;
  private static final int DECODE_FLOATS = 576;
  private static final long NEAR_NS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long FAR_NS = TimeUnit.MILLISECONDS.toNanos(60);

  @TempDir Path folder;
  private final List<Relay> relays = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void closeRelays() {
    relays.forEach(Relay::close);
    threads.shutdownNow();
  }

  /** Each rank sees the lower ones at a distance, and all hear the higher ones through the same. */
  private List<SessionConfig> configs(long leafToLeafNs) throws IOException {
    List<PeerAddress> peers = Ranks.onLoopback(RANKS);
    List<SessionConfig> configs = new ArrayList<>();
    for (int rank = 0; rank < RANKS; rank++) {
      List<PeerAddress> seen = new ArrayList<>();
      for (PeerAddress peer : peers) {
        boolean ofRoot = rank == 0 || peer.rank() == 0;
        seen.add(peer.rank() == rank ? peer : delayed(peer, ofRoot ? NEAR_NS : leafToLeafNs));
      }
      configs.add(
          SessionConfig.of(1, rank, seen, DECODE_FLOATS)
              .withDriverParent(folder)
              .withCollective(Collective.AUTO)
              .withKey(new byte[16]));
    }
    return configs;
  }

  private PeerAddress delayed(PeerAddress peer, long delayNs) throws IOException {
    Relay relay = Relay.delaying(peer, delayNs);
    relays.add(relay);
    // Another name for this machine: these ranks are to count as ranks on machines of their own.
    return new PeerAddress(peer.rank(), "localhost", relay.address(peer.rank()).port());
  }

  /** Measures after a step, then sums once more; returns what the root knows. */
  private LinkCosts measure(List<SessionConfig> configs, Collective expected) throws Exception {
    return lead(configs, RootSession::measureLinks, expected);
  }

  private LinkCosts lead(
      List<SessionConfig> configs, Consumer<RootSession> learn, Collective expected)
      throws Exception {
    List<Future<?>> leaves = new ArrayList<>();
    for (SessionConfig config : configs.subList(1, RANKS)) {
      leaves.add(threads.submit(() -> follow(config)));
    }
    LinkCosts costs;
    try (RootSession root = new RootSession(configs.getFirst())) {
      root.connect();
      assertNull(root.costs());
      assertEquals(Collective.STAR, root.formFor(DECODE_FLOATS), "until links are measured");
      sum(root, 0);
      learn.accept(root);
      sum(root, 1);
      assertEquals(expected, root.formFor(DECODE_FLOATS), () -> String.valueOf(root.costs()));
      costs = root.costs();
    }
    for (Future<?> leaf : leaves) {
      leaf.get(30, TimeUnit.SECONDS);
    }
    assertNotNull(costs);
    return costs;
  }

  private static void sum(RootSession root, long step) {
    float[] values = new float[DECODE_FLOATS];
    root.beginStep(step, 0, 1, values, DECODE_FLOATS);
    values[0] = 1;
    InPlace.sum(root, 0, 0, values, DECODE_FLOATS);
    assertEquals(1 + 2 + 4, values[0]);
  }

  private static void follow(SessionConfig config) {
    float[] values = new float[DECODE_FLOATS];
    try (LeafSession leaf = new LeafSession(config)) {
      leaf.connect();
      while (true) {
        if (leaf.awaitStep(values, TimeUnit.SECONDS.toNanos(1)) != null) {
          values[0] = 1 << config.rank();
          InPlace.sum(leaf, 0, 0, values, DECODE_FLOATS);
        }
      }
    } catch (PeerLostException e) {
      assertEquals(0, e.peer().rank(), "the root has closed");
    }
  }

  @Test
  void shouldPickOneHopWhereAllLinksAreSlow() throws Exception {
    LinkCosts costs = measure(configs(NEAR_NS), Collective.DIRECT);
    assertTrue(costs.starLatencyNs() >= NEAR_NS, costs::toString);
    assertTrue(costs.meshLatencyNs() >= NEAR_NS, costs::toString);
    assertEquals(0, costs.sharedCores());
  }

  /** Links that are slow to answer, but are told to be thin. */
  @Test
  void shouldGoByWhatIsKnown() throws Exception {
    LinkCosts known = new LinkCosts(1_000, 1_000, 100_000, 1_000, 0);
    assertEquals(known, lead(configs(NEAR_NS), root -> root.tellLinks(known), Collective.TWO_SHOT));
  }

  @Test
  void shouldPickTheStarWhereLeavesAreFarFromEachOther() throws Exception {
    LinkCosts costs = measure(configs(FAR_NS), Collective.STAR);
    assertTrue(costs.starLatencyNs() >= NEAR_NS, costs::toString);
    assertTrue(costs.meshLatencyNs() >= FAR_NS, costs::toString);
  }

  @Test
  @Tag("fault")
  void shouldNameTheLeafThatLeavesMeanwhile() throws Exception {
    List<SessionConfig> configs = configs(NEAR_NS);
    Future<?> staying = threads.submit(() -> follow(configs.get(1)));
    Future<?> leaving =
        threads.submit(
            () -> {
              try (LeafSession leaf = new LeafSession(configs.get(2))) {
                leaf.connect();
              }
            });
    try (RootSession root = new RootSession(configs.getFirst())) {
      root.connect();
      PeerLostException lost = assertThrows(PeerLostException.class, root::measureLinks);
      assertEquals(2, lost.peer().rank(), lost::toString);
    }
    leaving.get(30, TimeUnit.SECONDS);
    assertThrows(ExecutionException.class, () -> staying.get(30, TimeUnit.SECONDS));
  }
}
