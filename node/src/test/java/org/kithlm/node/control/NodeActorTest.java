package org.kithlm.node.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.security.RevokedNodes;

/** The coordinator is a probe in the same actor system, at the coordinator's place. */
class NodeActorTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final EpochKey KEY = EpochKey.create();
  private static final ProcessMemory MEMORY = new ProcessMemory(512 << 20, 48 << 20);
  private static final NodeMessage.WeightOrigin ORIGIN =
      new NodeMessage.WeightOrigin("http://127.0.0.1:1/pack", 0, List.of());

  /** Ends the coordinator; no real message of an epoch. */
  private static final CoordinatorMessage END = new CoordinatorMessage.RankConnected(-1, 0);

  /** Keeps nothing, and tells a test who is to be told of it. */
  private static final class FakeKeeper implements WeightKeeper {
    final BlockingQueue<RankAssignment> asked = new LinkedBlockingQueue<>();
    final CountDownLatch stopped = new CountDownLatch(1);

    @Override
    public void keep(
        RankAssignment share,
        NodeMessage.WeightOrigin origin,
        BooleanSupplier idle,
        Consumer<KeptWeights> listener) {
      assertTrue(idle.getAsBoolean());
      listener.accept(new KeptWeights(3, 4, null));
      asked.add(share);
    }

    @Override
    public void stop() {
      if (!asked.isEmpty()) {
        stopped.countDown();
      }
    }
  }

  /** A load that a test completes. */
  private record Load(RankAssignment assignment, CompletableFuture<LeafRank> rank) {}

  private final ActorTestKit kit =
      ActorTestKit.create(
          ClusterSettings.SYSTEM,
          ConfigFactory.parseString("pekko.remote.artery.transport = tcp") // no certificates here
              .withFallback(ClusterSettings.of("127.0.0.1", 0, ClusterSettings.COORDINATOR_ROLE)));
  private final TestProbe<CoordinatorMessage> coordinator =
      kit.createTestProbe(CoordinatorMessage.class);
  private final BlockingQueue<Load> loads = new LinkedBlockingQueue<>();
  private final CompletableFuture<NodeEnd> end = new CompletableFuture<>();
  private final RevokedNodes revoked = new RevokedNodes();
  private final FakeKeeper keeper = new FakeKeeper();
  private ActorRef<CoordinatorMessage> coordinatorRef;

  @BeforeEach
  void startCoordinator() {
    coordinatorRef =
        kit.system()
            .systemActorOf(
                Behaviors.receive(CoordinatorMessage.class)
                    .onAnyMessage(
                        message -> {
                          coordinator.ref().tell(message);
                          return message.equals(END) ? Behaviors.stopped() : Behaviors.same();
                        })
                    .build(),
                NodeActor.COORDINATOR,
                Props.empty());
  }

  private final CompletableFuture<DeviceSpeed> measured = new CompletableFuture<>();

  @AfterEach
  void stopSystem() {
    kit.shutdownTestKit();
  }

  @Test
  void shouldTellHowFastItsDeviceIs() {
    ActorRef<NodeMessage> node = joined();
    node.tell(new NodeMessage.MeasureDevice("Q4_K"));
    DeviceSpeed speed = new DeviceSpeed(5_000_000_000L, 400_000_000);
    measured.complete(speed);
    assertEquals(
        new CoordinatorMessage.DeviceMeasured(node, speed, null),
        expect(CoordinatorMessage.DeviceMeasured.class));
  }

  @Test
  void shouldTellWhyItsDeviceCannotBeMeasured() {
    ActorRef<NodeMessage> node = joined();
    node.tell(new NodeMessage.MeasureDevice("Q4_K"));
    measured.completeExceptionally(new OutOfMemoryError("Cannot reserve"));
    String failure = expect(CoordinatorMessage.DeviceMeasured.class).failure();
    assertTrue(String.valueOf(failure).contains("Cannot reserve"), failure);
  }

  @Test
  void shouldKeepWeightsUntilTheNextPlan() throws Exception {
    ActorRef<NodeMessage> node = joined();
    RankAssignment share = loadShard(1).assignment();
    node.tell(new NodeMessage.KeepWeights(share, ORIGIN));
    assertEquals(
        new CoordinatorMessage.WeightsKept(node, new KeptWeights(3, 4, null)),
        expect(CoordinatorMessage.WeightsKept.class));
    assertEquals(share, keeper.asked.element());
    node.tell(loadShard(2));
    assertTrue(keeper.stopped.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
  }

  private ActorRef<NodeMessage> start(Duration joinTimeout) {
    NodeSettings settings =
        new NodeSettings(
            "laptop",
            "127.0.0.1",
            MEMORY,
            "127.0.0.1",
            Cluster.get(kit.system()).selfMember().address().getPort().orElseThrow(),
            revoked,
            joinTimeout);
    return kit.spawn(
        NodeActor.create(
            settings,
            (assignment, origin) -> {
              assertEquals(ORIGIN, origin);
              Load load = new Load(assignment, new CompletableFuture<>());
              loads.add(load);
              return load.rank();
            },
            weightType -> {
              assertEquals("Q4_K", weightType);
              return measured;
            },
            keeper,
            end));
  }

  private <T extends CoordinatorMessage> T expect(Class<T> type) {
    return coordinator.expectMessageClass(type, PATIENCE);
  }

  /** A node that has joined. */
  private ActorRef<NodeMessage> joined() {
    ActorRef<NodeMessage> node = start(PATIENCE);
    CoordinatorMessage.JoinRequest join = expect(CoordinatorMessage.JoinRequest.class);
    assertEquals(MEMORY, join.memory());
    assertEquals("laptop", join.name());
    join.replyTo().tell(new NodeMessage.Admitted(coordinatorRef));
    CoordinatorMessage up = join;
    while (!(up instanceof CoordinatorMessage.NodeUp joined)) {
      up = expect(CoordinatorMessage.class); // it may have asked again before
    }
    assertEquals(node, joined.node());
    return node;
  }

  private static NodeMessage.LoadShard loadShard(long epoch) {
    return new NodeMessage.LoadShard(
        new RankAssignment(
            epoch,
            1,
            List.of(1.0, 1.0),
            AttentionPlacement.SPLIT,
            HeadPlacement.ROOT,
            "pack",
            64,
            KvType.F16,
            8,
            CollectiveChoice.STAR,
            SumPrecision.EXACT,
            KEY),
        ORIGIN);
  }

  private Load awaitLoad() throws InterruptedException {
    Load load = loads.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (load == null) {
      throw new AssertionError("no load was started");
    }
    return load;
  }

  private NodeEnd awaitEnd() throws Exception {
    return end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private static void assertCloses(FakeLeafRank rank) throws InterruptedException {
    assertTrue(rank.closed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "the rank is open");
  }

  @Test
  void shouldLoadThenConnectThenTellWhatItUsed() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    FakeLeafRank rank = new FakeLeafRank();
    awaitLoad().rank().complete(rank);
    assertEquals(
        new CoordinatorMessage.ShardLoaded(5, 1, 4000, 8, 4096),
        expect(CoordinatorMessage.ShardLoaded.class));

    List<NodeMessage.Peer> peers =
        List.of(
            new NodeMessage.Peer(0, "127.0.0.1", 1, 8), new NodeMessage.Peer(1, "127.0.0.1", 2, 8));
    node.tell(new NodeMessage.Connect(5, peers));
    assertEquals(peers, rank.started.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
    rank.listener().onConnected();
    assertEquals(
        new CoordinatorMessage.RankConnected(5, 1), expect(CoordinatorMessage.RankConnected.class));

    node.tell(new NodeMessage.ReportStatistics(4)); // of an old epoch: no answer
    node.tell(new NodeMessage.ReportStatistics(5));
    assertEquals(
        new CoordinatorMessage.Statistics(5, 1, FakeLeafRank.STATISTICS),
        expect(CoordinatorMessage.Statistics.class));
  }

  @Test
  void shouldTellThatALoadFailedAndTryTheNextPlan() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    awaitLoad().rank().completeExceptionally(new IllegalStateException("the disk is full"));
    assertEquals(
        new CoordinatorMessage.RankFailed(5, 1, "the disk is full"),
        expect(CoordinatorMessage.RankFailed.class));
    node.tell(loadShard(6));
    awaitLoad().rank().complete(new FakeLeafRank());
    assertEquals(6, expect(CoordinatorMessage.ShardLoaded.class).epoch());
  }

  @Test
  void shouldLoadOneShardAtATimeAndOnlyTheNewest() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    Load first = awaitLoad();
    node.tell(loadShard(6));
    node.tell(loadShard(7));
    FakeLeafRank old = new FakeLeafRank();
    first.rank().complete(old);
    assertCloses(old);
    Load next = awaitLoad();
    assertEquals(7, next.assignment().epoch());
    next.rank().complete(new FakeLeafRank());
    assertEquals(7, expect(CoordinatorMessage.ShardLoaded.class).epoch());
    assertTrue(loads.isEmpty(), "no other load");
  }

  @Test
  void shouldCloseTheRankOfThePlanBefore() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    FakeLeafRank old = new FakeLeafRank();
    awaitLoad().rank().complete(old);
    expect(CoordinatorMessage.ShardLoaded.class);
    node.tell(loadShard(6));
    assertCloses(old);
  }

  @Test
  void shouldIgnoreAConnectOfAnotherEpoch() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    FakeLeafRank rank = new FakeLeafRank();
    awaitLoad().rank().complete(rank);
    expect(CoordinatorMessage.ShardLoaded.class);
    node.tell(new NodeMessage.Connect(4, List.of()));
    node.tell(new NodeMessage.ReportStatistics(5));
    expect(CoordinatorMessage.Statistics.class); // so the connect was handled before
    assertFalse(rank.started.isDone());
  }

  @Test
  void shouldTellThatARankFailedAndCloseIt() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    FakeLeafRank rank = new FakeLeafRank();
    awaitLoad().rank().complete(rank);
    expect(CoordinatorMessage.ShardLoaded.class);
    node.tell(new NodeMessage.Connect(5, List.of()));
    rank.started.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    rank.listener().onStepFailed("tile 7 is cut short");
    assertEquals(
        new CoordinatorMessage.StepFailed(5, 1, "tile 7 is cut short"),
        expect(CoordinatorMessage.StepFailed.class));
    rank.listener().onFailed("rank 0 is silent");
    assertEquals(
        new CoordinatorMessage.RankFailed(5, 1, "rank 0 is silent"),
        expect(CoordinatorMessage.RankFailed.class));
    assertCloses(rank);
  }

  @Test
  void shouldEndOnTheCoordinatorsWord() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(loadShard(5));
    FakeLeafRank rank = new FakeLeafRank();
    awaitLoad().rank().complete(rank);
    expect(CoordinatorMessage.ShardLoaded.class);
    node.tell(new NodeMessage.Shutdown("the coordinator shut down"));
    assertEquals(new NodeEnd(NodeEnd.Kind.SHUT_DOWN, "the coordinator shut down"), awaitEnd());
    assertCloses(rank);
    coordinator.expectTerminated(node, PATIENCE);
  }

  @Test
  void shouldEndWhenItIsRemoved() throws Exception {
    joined().tell(new NodeMessage.Refused("removed"));
    assertEquals(new NodeEnd(NodeEnd.Kind.REFUSED, "removed"), awaitEnd());
  }

  @Test
  void shouldKnowWhichNodesWereRemoved() throws Exception {
    ActorRef<NodeMessage> node = joined();
    node.tell(new NodeMessage.RemovedNodes(Set.of("0badcafe")));
    node.tell(loadShard(5));
    awaitLoad(); // so the message before was handled
    assertTrue(revoked.contains("0badcafe"));
    assertFalse(revoked.contains("600dcafe"));
  }

  @Test
  void shouldNameTheAddressWhereNobodyAnswers() throws Exception {
    start(Duration.ofMillis(10));
    NodeEnd unreachable = awaitEnd();
    assertEquals(NodeEnd.Kind.UNREACHABLE, unreachable.kind());
    assertTrue(unreachable.message().contains("127.0.0.1:"), unreachable.message());
  }

  @Test
  void shouldEndWhenTheCoordinatorIsLost() throws Exception {
    joined();
    coordinatorRef.tell(END);
    NodeEnd lost = awaitEnd();
    assertEquals(NodeEnd.Kind.COORDINATOR_LOST, lost.kind());
    assertTrue(lost.message().contains("127.0.0.1:"), lost.message());
  }

  @Test
  void shouldTellItsProcessWhenTheActorSystemEnds() throws Exception {
    joined();
    kit.system().terminate();
    assertEquals(NodeEnd.Kind.COORDINATOR_LOST, awaitEnd().kind());
  }
}
