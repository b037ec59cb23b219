package org.kithlm.coordinator.membership;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.ManualTime;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.jspecify.annotations.Nullable;
import org.kithlm.model.shard.HeadPlacement;
import org.kithlm.model.transformer.KvType;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.ProcessMemory;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.SumPrecision;
import org.kithlm.node.rank.RootRank;

/** A coordinator among probes for nodes, a fake engine, and loads that a test completes. */
final class TestCoordinator implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(20);
  static final String HOST = "127.0.0.1";

  /** What a root tells of its sums. */
  static final CollectiveReport SUMS =
      new CollectiveReport(CollectiveChoice.DIRECT, SumPrecision.EXACT, true, null, List.of());

  private static final NodeMessage.WeightOrigin ORIGIN =
      new NodeMessage.WeightOrigin("http://127.0.0.1:1/pack", 0, List.of());

  /** Of each process. */
  static final ProcessMemory MEMORY = new ProcessMemory(1 << 30, 1 << 26);

  static final Workload WORKLOAD =
      new Workload("Q4_K", 10, 20 << 20, 80 << 20, 20 << 20, HeadPlacement.ROOT, 0, 128 << 20);

  /** A load of rank 0. */
  static final int LEAF_TOKENS = 5;

  record RootLoad(RankAssignment assignment, CompletableFuture<RootRank> rank) {}

  final FakeEngine engine = new FakeEngine();
  final BlockingQueue<RootLoad> rootLoads = new LinkedBlockingQueue<>();
  final BlockingQueue<Address> downed = new LinkedBlockingQueue<>();
  final ManualTime time;
  final ActorRef<CoordinatorMessage> actor;
  final ActorTestKit kit;
  volatile FitCheck fit = (assignment, memory) -> Optional.empty();
  private final Map<Address, String> identities = new ConcurrentHashMap<>();
  private final BlockingQueue<ClusterView> views = new LinkedBlockingQueue<>();
  private @Nullable ClusterView lastView;

  /** With equal shares. */
  TestCoordinator(int expectedNodes) {
    this(expectedNodes, null);
  }

  /** With shares by speed, if there is someone who measures this device. */
  TestCoordinator(int expectedNodes, @Nullable Calibrator calibrator) {
    this(expectedNodes, calibrator, Replication.NONE, false);
  }

  TestCoordinator(
      int expectedNodes, @Nullable Calibrator calibrator, Replication replication, boolean eager) {
    this(expectedNodes, calibrator, replication, eager, CollectiveChoice.DIRECT);
  }

  TestCoordinator(
      int expectedNodes,
      @Nullable Calibrator calibrator,
      Replication replication,
      boolean eager,
      CollectiveChoice collective) {
    kit = ActorTestKit.create("kith", ManualTime.config());
    time = ManualTime.get(kit.system());
    CoordinatorSettings settings =
        new CoordinatorSettings(
            "desk",
            HOST,
            expectedNodes,
            "pack",
            ORIGIN,
            64,
            KvType.F16,
            8,
            collective,
            SumPrecision.EXACT,
            AttentionChoice.AUTO,
            MEMORY,
            (assignment, memory) -> fit.shortage(assignment, memory),
            WORKLOAD,
            replication,
            eager,
            calibrator);
    actor =
        kit.spawn(
            CoordinatorActor.create(
                settings,
                assignment -> {
                  RootLoad load = new RootLoad(assignment, new CompletableFuture<>());
                  rootLoads.add(load);
                  return load.rank();
                },
                engine,
                views::add,
                new ClusterDoor(
                    address -> Optional.ofNullable(identities.get(address)), downed::add)));
  }

  /** A node's end of the conversation. */
  final class Node {
    final String name;
    final TestProbe<NodeMessage> probe = kit.createTestProbe(NodeMessage.class);

    Node(String name) {
      this.name = name;
    }

    <T extends NodeMessage> T expect(Class<T> type) {
      return probe.expectMessageClass(type, PATIENCE);
    }

    /** What its certificate says; of all nodes here, as they share an actor system. */
    Node provesToBe(String nodeId) {
      identities.put(probe.ref().path().address(), nodeId);
      return this;
    }

    /** Joins up to the point where a plan may use it. */
    Node join() {
      actor.tell(new CoordinatorMessage.JoinRequest(name, 42, HOST, MEMORY, probe.ref()));
      expect(NodeMessage.Admitted.class);
      expect(NodeMessage.RemovedNodes.class);
      actor.tell(new CoordinatorMessage.NodeUp(probe.ref()));
      return this;
    }

    void measured(long weightBytesPerSecond) {
      expect(NodeMessage.MeasureDevice.class);
      actor.tell(
          new CoordinatorMessage.DeviceMeasured(
              probe.ref(), new DeviceSpeed(weightBytesPerSecond, 0), null));
    }

    void notMeasured(String reason) {
      expect(NodeMessage.MeasureDevice.class);
      actor.tell(new CoordinatorMessage.DeviceMeasured(probe.ref(), null, reason));
    }

    RankAssignment expectLoad() {
      return expect(NodeMessage.LoadShard.class).assignment();
    }

    void loaded(RankAssignment assignment) {
      actor.tell(
          new CoordinatorMessage.ShardLoaded(
              assignment.epoch(), assignment.rank(), 4000 + assignment.rank(), LEAF_TOKENS, 4096));
    }

    void connected(RankAssignment assignment) {
      actor.tell(new CoordinatorMessage.RankConnected(assignment.epoch(), assignment.rank()));
    }

    void failed(RankAssignment assignment, String reason) {
      actor.tell(new CoordinatorMessage.RankFailed(assignment.epoch(), assignment.rank(), reason));
    }

    void stepFailed(long epoch, String reason) {
      actor.tell(new CoordinatorMessage.StepFailed(epoch, 1, reason));
    }

    void die() {
      probe.stop();
    }
  }

  Node node(String name) {
    return new Node(name);
  }

  RootLoad expectRootLoad() throws InterruptedException {
    return poll(rootLoads, "a load of rank 0");
  }

  FakeEngine.Activation expectActivation() throws InterruptedException {
    return poll(engine.activations, "an activation");
  }

  String expectDeactivation() throws InterruptedException {
    return poll(engine.deactivations, "a deactivation");
  }

  Runnable expectIdleAction() throws InterruptedException {
    return poll(engine.idleActions, "an idle action");
  }

  Address expectDowned() throws InterruptedException {
    return poll(downed, "an address taken out of the cluster");
  }

  private static <T> T poll(BlockingQueue<T> queue, String what) throws InterruptedException {
    T item = queue.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (item == null) {
      throw new AssertionError("missing: " + what);
    }
    return item;
  }

  /** The state that was waited for last. */
  ClusterView lastView() {
    return Objects.requireNonNull(lastView);
  }

  /** The next state that is as wanted; those before it are skipped. */
  ClusterView awaitView(Predicate<ClusterView> wanted) throws InterruptedException {
    ClusterView view;
    do {
      view = poll(views, "a state as wanted");
    } while (!wanted.test(view));
    lastView = view;
    return view;
  }

  ClusterView awaitPhase(ClusterView.Phase phase) throws InterruptedException {
    return awaitView(view -> view.phase() == phase);
  }

  /** Loads and connects rank 0 alone, the next plan. */
  RankAssignment readyAlone() throws InterruptedException {
    RootLoad load = expectRootLoad();
    assertEquals(1, load.assignment().worldSize());
    ready(load);
    return load.assignment();
  }

  /** Loads and connects rank 0 of a plan without others. */
  void ready(RootLoad load) throws InterruptedException {
    load.rank().complete(new UnusedRoot());
    expectActivation().connected().complete(SUMS);
    awaitPhase(ClusterView.Phase.READY);
  }

  /** Loads and connects rank 0 and one node, the next plan; the result is the node's part. */
  RankAssignment readyWith(Node node) throws InterruptedException {
    RankAssignment assignment = connectWith(node, SUMS);
    awaitPhase(ClusterView.Phase.READY);
    return assignment;
  }

  /** The same up to the last rank's word that it is connected. */
  RankAssignment connectWith(Node node, CollectiveReport sums) throws InterruptedException {
    RankAssignment assignment = node.expectLoad();
    node.loaded(assignment);
    expectRootLoad().rank().complete(new UnusedRoot());
    expectActivation().connected().complete(sums);
    node.expect(NodeMessage.Connect.class);
    node.connected(assignment);
    return assignment;
  }

  @Override
  public void close() {
    kit.shutdownTestKit();
  }
}
