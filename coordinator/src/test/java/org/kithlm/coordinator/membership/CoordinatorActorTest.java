package org.kithlm.coordinator.membership;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kithlm.coordinator.membership.ClusterView.Phase;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.KeptWeights;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.control.SumPrecision;

class CoordinatorActorTest {
  private static final Duration STATISTICS_TIMEOUT = Duration.ofSeconds(2);
  private static final RankStatistics USED =
      new RankStatistics(42, 1, 1, 4096, 0, 1, 2, 3, 0, 0, 0, null);

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(TestCoordinator.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void shouldLeadFromGatheringToReady() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      RankAssignment leaf = node.expectLoad();
      TestCoordinator.RootLoad root = coordinator.expectRootLoad();
      assertEquals(0, root.assignment().rank());
      assertEquals(1, leaf.rank());
      assertEquals(root.assignment().epoch(), leaf.epoch());
      assertEquals(List.of(1.0, 1.0), leaf.shares());
      assertEquals(CollectiveChoice.DIRECT, leaf.collective());
      assertEquals(root.assignment().key(), leaf.key());
      coordinator.awaitPhase(Phase.LOADING);

      node.loaded(leaf);
      UnusedRoot rank = new UnusedRoot();
      root.rank().complete(rank);
      FakeEngine.Activation activation = coordinator.expectActivation();
      assertEquals(rank, activation.rank());
      List<NodeMessage.Peer> peers =
          List.of(
              new NodeMessage.Peer(
                  0, TestCoordinator.HOST, UnusedRoot.DATA_PORT, UnusedRoot.MAX_TOKENS),
              new NodeMessage.Peer(1, TestCoordinator.HOST, 4001, TestCoordinator.LEAF_TOKENS));
      assertEquals(peers, activation.peers());
      assertEquals(
          new NodeMessage.Connect(leaf.epoch(), peers), node.expect(NodeMessage.Connect.class));
      coordinator.awaitPhase(Phase.CONNECTING);

      activation.connected().complete(TestCoordinator.SUMS);
      node.connected(leaf);
      ClusterView ready = coordinator.awaitPhase(Phase.READY);
      assertEquals(leaf.epoch(), ready.epoch());
      assertEquals(TestCoordinator.SUMS, ready.sums());
      assertEquals(List.of("desk", "laptop"), ready.nodes().stream().map(n -> n.name()).toList());
      assertEquals(List.of("ready", "ready"), ready.nodes().stream().map(n -> n.state()).toList());
      assertEquals(List.of(0.5, 0.5), ready.nodes().stream().map(n -> n.share()).toList());
      assertEquals(UnusedRoot.RESIDENT_BYTES, ready.nodes().getFirst().residentBytes());
      assertEquals(4096, ready.nodes().getLast().residentBytes());
    }
  }

  @Test
  void shouldShutOutANodeThatIsRemoved() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").provesToBe("0badcafe").join();
      RankAssignment before = coordinator.readyWith(node);
      coordinator.actor.tell(new NodesExcluded(Set.of("0badcafe"), Set.of()));
      String reason = node.expect(NodeMessage.Refused.class).reason();
      assertTrue(reason.contains("was removed from the cluster"), reason);
      String lost = coordinator.expectDeactivation();
      assertTrue(lost.contains("rank 1 (laptop, 127.0.0.1:4001): it was removed"), lost);
      assertEquals(node.probe.ref().path().address(), coordinator.expectDowned());
      RankAssignment after = coordinator.readyAlone();
      assertTrue(after.epoch() > before.epoch());
      assertNotEquals(before.key(), after.key());
    }
  }

  @Test
  void shouldTellTheOthersWhichNodeWasRemoved() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").provesToBe("600dcafe").join();
      coordinator.readyWith(node);
      coordinator.actor.tell(new NodesExcluded(Set.of("0badcafe"), Set.of()));
      assertEquals(Set.of("0badcafe"), node.expect(NodeMessage.RemovedNodes.class).ids());
      assertTrue(coordinator.downed.isEmpty());
    }
  }

  private static NodesExcluded drained(String... ids) {
    return new NodesExcluded(Set.of(), Set.of(ids));
  }

  @Test
  void shouldDoWithoutADrainedNodeWhenTheAnswerHasEnded() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").provesToBe("600dcafe").join();
      coordinator.readyWith(node);
      coordinator.actor.tell(drained("600dcafe"));
      Runnable whenIdle = coordinator.expectIdleAction();
      ClusterView draining = coordinator.awaitView(view -> isInState(view, "draining"));
      assertEquals(1, draining.nodes().getLast().rank());
      assertTrue(coordinator.engine.deactivations.isEmpty());

      whenIdle.run();
      coordinator.expectDeactivation();
      TestCoordinator.RootLoad alone = coordinator.expectRootLoad();
      assertEquals(1, alone.assignment().worldSize());
      coordinator.awaitView(view -> isInState(view, "drained"));
      assertTrue(coordinator.downed.isEmpty()); // it stays a member
      coordinator.ready(alone);

      coordinator.actor.tell(drained());
      coordinator.expectIdleAction().run();
      coordinator.readyWith(node);
    }
  }

  @Test
  void shouldNotPlanWithANodeThatComesBackDrained() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0)) {
      coordinator.actor.tell(drained("600dcafe"));
      coordinator.readyAlone();
      coordinator.node("laptop").provesToBe("600dcafe").join();
      coordinator.awaitView(view -> isInState(view, "drained"));
      assertTrue(coordinator.engine.idleActions.isEmpty());
    }
  }

  @Test
  void shouldKeepThePlanWhenANodeIsDrainedThatIsAway() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").provesToBe("600dcafe").join();
      coordinator.readyWith(node);
      coordinator.actor.tell(new NodesExcluded(Set.of("0ddba115"), Set.of("0badcafe")));
      node.expect(NodeMessage.RemovedNodes.class);
      assertTrue(coordinator.engine.idleActions.isEmpty());
    }
  }

  @Test
  void shouldTellWhoIsIndispensable() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      coordinator.fit =
          (assignment, memory) ->
              assignment.worldSize() == 1 ? Optional.of("1 GiB is too little") : Optional.empty();
      coordinator.readyWith(coordinator.node("laptop").join());
      ClusterView ready = coordinator.lastView();
      assertEquals("desk: 1 GiB is too little", ready.nodes().getLast().indispensable());
      assertEquals("it leads the cluster", ready.nodes().getFirst().indispensable());
    }
  }

  private static Calibrator measures(long weightBytesPerSecond) {
    return weightType -> {
      assertEquals(TestCoordinator.WORKLOAD.weightType(), weightType);
      return CompletableFuture.completedStage(new DeviceSpeed(weightBytesPerSecond, 0));
    };
  }

  @Test
  void shouldShareByWhatIsMeasured() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, measures(3_000_000_000L))) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      coordinator.awaitView(view -> isInState(view, "measuring"));
      node.measured(1_000_000_000);
      List<Double> shares = coordinator.readyWith(node).shares();
      assertEquals(0.75, shares.getFirst(), 1e-9);
      assertEquals(0.25, shares.getLast(), 1e-9);
      ClusterView ready = coordinator.lastView();
      assertEquals("3.00 GB/s of weights", ready.nodes().getFirst().shareReason());
      assertEquals("1.00 GB/s of weights", ready.nodes().getLast().shareReason());
    }
  }

  @Test
  void shouldGiveNothingToADeviceThatIsTooSlow() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, measures(990_000_000))) {
      coordinator.node("watch").join().measured(10_000_000);
      coordinator.readyAlone();
      ClusterView.NodeView watch = coordinator.lastView().nodes().getLast();
      assertEquals("idle", watch.state());
      assertEquals(0, watch.share());
      assertEquals(
          "left out: 1.0 % of the work would be its share, and less than 3 % is not worth the sums",
          watch.shareReason());
    }
  }

  @Test
  void shouldGiveNothingToADeviceWithoutRoom() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, measures(1_000_000_000))) {
      coordinator.fit =
          (assignment, memory) ->
              assignment.rank() == 1 ? Optional.of("too little memory") : Optional.empty();
      coordinator.node("watch").join().measured(1_000_000_000);
      coordinator.readyAlone();
      assertEquals(
          "left out: too little memory", coordinator.lastView().nodes().getLast().shareReason());
    }
  }

  @Test
  void shouldGiveNothingToADeviceThatCannotBeMeasured() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0, measures(1_000_000_000))) {
      coordinator.readyAlone();
      coordinator.node("watch").join().notMeasured("no memory");
      ClusterView view = coordinator.awaitView(seen -> seen.nodes().getLast().lastError() != null);
      assertEquals(
          "it cannot be measured, so it gets no work: no memory",
          view.nodes().getLast().lastError());
      assertTrue(coordinator.engine.idleActions.isEmpty());
    }
  }

  @Test
  void shouldShareEquallyWhereThisDeviceCannotBeMeasured() throws Exception {
    Calibrator broken =
        weightType -> CompletableFuture.failedStage(new IllegalStateException("no kernel"));
    try (TestCoordinator coordinator = new TestCoordinator(1, broken)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      node.measured(1_000_000_000);
      assertEquals(List.of(1.0, 1.0), coordinator.readyWith(node).shares());
    }
  }

  /** What a root tells whose decode sums take so long. */
  private static CollectiveReport sums(double directMs) {
    return new CollectiveReport(
        CollectiveChoice.AUTO,
        SumPrecision.EXACT,
        true,
        null,
        List.of(
            new CollectiveReport.Payload(
                CollectiveReport.DECODE,
                2304,
                CollectiveChoice.DIRECT,
                Map.of(CollectiveChoice.DIRECT, directMs, CollectiveChoice.STAR, 2 * directMs))));
  }

  /** Two devices need 52 ms for the layers, and 63 ms if each computes all of attention. */
  @Test
  void shouldReplicateAttentionWhereItsSumsTakeLongerThanItsArithmetic() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, measures(1_000_000_000))) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      node.measured(1_000_000_000);
      RankAssignment first = coordinator.connectWith(node, sums(3));
      assertEquals(AttentionPlacement.SPLIT, first.attention());
      assertEquals("the links are measured", coordinator.expectDeactivation());

      RankAssignment second = coordinator.connectWith(node, sums(3));
      assertEquals(AttentionPlacement.REPLICATED, second.attention());
      assertTrue(second.epoch() > first.epoch());
      assertEquals(
          "replicated: replicating saves 10 sums a token, 30.0 ms, and adds 10.5 ms of arithmetic",
          coordinator.awaitPhase(Phase.READY).attention());

      coordinator.node("tablet").join().measured(1_000_000_000);
      coordinator.expectIdleAction().run();
      assertEquals(AttentionPlacement.REPLICATED, node.expectLoad().attention());
    }
  }

  /** Sums that take less, and a device whose attention takes so long that it gets no FFN. */
  @ParameterizedTest
  @CsvSource({"1000000000, 1", "100000000, 3"})
  void shouldSplitAttentionWhereItsArithmeticTakesLonger(long bytesPerSecond, double sumMs)
      throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, measures(1_000_000_000))) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      node.measured(bytesPerSecond);
      coordinator.connectWith(node, sums(sumMs));
      ClusterView ready = coordinator.awaitPhase(Phase.READY);
      assertTrue(
          String.valueOf(ready.attention()).startsWith("split: replicating saves"),
          ready::toString);
      assertTrue(coordinator.engine.deactivations.isEmpty());
    }
  }

  @Test
  void shouldSplitAttentionWhereMemoryIsTooLittleForMore() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, measures(1_000_000_000))) {
      coordinator.fit =
          (assignment, memory) ->
              assignment.attention() == AttentionPlacement.SPLIT
                  ? Optional.empty()
                  : Optional.of("too little memory");
      TestCoordinator.Node node = coordinator.node("laptop").join();
      node.measured(1_000_000_000);
      coordinator.connectWith(node, sums(3));
      assertEquals("split", coordinator.awaitPhase(Phase.READY).attention());
    }
  }

  /** As on a guest Wi-Fi, where devices reach the router's wire but not each other. */
  @Test
  void shouldSumThroughThisDeviceWhereNodesDoNotReachEachOther() throws Exception {
    try (TestCoordinator coordinator =
        new TestCoordinator(2, null, Replication.NONE, false, CollectiveChoice.AUTO)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      TestCoordinator.Node other = coordinator.node("tablet").join();
      RankAssignment first = node.expectLoad();
      assertEquals(CollectiveChoice.AUTO, first.collective());
      node.loaded(first);
      other.loaded(other.expectLoad());
      coordinator.expectRootLoad().rank().complete(new UnusedRoot());
      node.expect(NodeMessage.Connect.class);
      node.failed(first, "not connected in time: rank 2");
      assertEquals(CollectiveChoice.STAR, node.expectLoad().collective());
    }
  }

  private static boolean isInState(ClusterView view, String state) {
    return view.nodes().getLast().state().equals(state);
  }

  @Test
  void shouldNameTheLostRankAndGoOnWithTheRest() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      RankAssignment before = coordinator.readyWith(node);
      node.die();
      String reason = coordinator.expectDeactivation();
      assertTrue(reason.contains("rank 1 (laptop, 127.0.0.1:4001)"), reason);
      assertEquals(node.probe.ref().path().address(), coordinator.expectDowned());
      RankAssignment after = coordinator.readyAlone();
      assertTrue(after.epoch() > before.epoch());
      assertNotEquals(before.key(), after.key());
    }
  }

  @Test
  void shouldNotWaitForAFailureDetectorWhenAProcessIsGone() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      coordinator.readyWith(node);
      coordinator.actor.tell(new ProcessGone(node.probe.ref().path().address()));
      String reason = coordinator.expectDeactivation();
      assertTrue(reason.contains("rank 1 (laptop, 127.0.0.1:4001)"), reason);
      assertEquals(node.probe.ref().path().address(), coordinator.expectDowned());
      coordinator.readyAlone();
    }
  }

  @Test
  void shouldNameTheRankThatCouldNotDoAStepAndKeepThePlan() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      RankAssignment current = coordinator.readyWith(node);
      node.stepFailed(current.epoch() - 1, "of an old plan");
      node.stepFailed(current.epoch(), "tile 7 is cut short");
      assertEquals(
          "rank 1 (laptop, 127.0.0.1:4001) failed: tile 7 is cut short",
          coordinator.engine.stepFailures.poll(
              TestCoordinator.PATIENCE.toSeconds(), TimeUnit.SECONDS));
      assertTrue(coordinator.engine.deactivations.isEmpty());
    }
  }

  @Test
  void shouldTakeInANodeOnlyWhenIdle() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0)) {
      coordinator.readyAlone();
      TestCoordinator.Node node = coordinator.node("laptop").join();
      Runnable whenIdle = coordinator.expectIdleAction();
      assertTrue(coordinator.engine.deactivations.isEmpty());
      whenIdle.run();
      coordinator.readyWith(node);
    }
  }

  @Test
  void shouldTakeInANodeThatCameWhileAPlanWasMade() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      coordinator.awaitView(view -> view.nodes().size() == 2);
      coordinator.readyAlone();
      coordinator.expectIdleAction().run();
      coordinator.readyWith(node);
    }
  }

  @Test
  void shouldIgnoreMessagesOfAnOldEpoch() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      TestCoordinator.RootLoad oldRoot = coordinator.expectRootLoad();
      RankAssignment old = node.expectLoad();
      node.failed(old, "the cable fell out");
      RankAssignment next = node.expectLoad();
      assertTrue(next.epoch() > old.epoch());

      UnusedRoot late = new UnusedRoot();
      oldRoot.rank().complete(late);
      assertTrue(late.closed.await(TestCoordinator.PATIENCE.toSeconds(), TimeUnit.SECONDS));
      node.loaded(old);
      node.connected(old);
      node.failed(old, "the same again");
      coordinator.expectRootLoad().rank().complete(new UnusedRoot());
      node.loaded(next);
      assertEquals(next.epoch(), node.expect(NodeMessage.Connect.class).epoch());
      coordinator.expectActivation();
      assertTrue(coordinator.engine.activations.isEmpty(), "only the new epoch is activated");
    }
  }

  @Test
  void shouldPlanAgainAtOnceAfterAFirstFailureThenLeaveTheNodeOutForAWhile() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      node.failed(node.expectLoad(), "the disk is full");
      coordinator.expectRootLoad();
      node.failed(node.expectLoad(), "the disk is full");
      coordinator.expectRootLoad();
      ClusterView view =
          coordinator.awaitView(seen -> seen.nodes().getLast().state().equals("retrying"));
      coordinator.readyAlone();
      String error = error(view.nodes().getLast());
      assertTrue(error.contains("the disk is full"), error);
      assertTrue(error.contains("failure 2 in a row, tried again after 1 s"), error);

      coordinator.time.timePasses(Duration.ofSeconds(1));
      coordinator.expectIdleAction().run();
      node.failed(node.expectLoad(), "the disk is full");
      coordinator.expectRootLoad();
      coordinator.readyAlone();
      coordinator.time.timePasses(Duration.ofSeconds(1)); // two are needed now
      coordinator.time.expectNoMessageFor(Duration.ZERO, node.probe);
      assertTrue(coordinator.engine.idleActions.isEmpty());
      coordinator.time.timePasses(Duration.ofSeconds(1));
      coordinator.expectIdleAction().run();
      coordinator.readyWith(node);
    }
  }

  private static String error(ClusterView.NodeView node) {
    return String.valueOf(node.lastError());
  }

  @Test
  void shouldRetryForEverWithGrowingDelaysWhenTheRootFails() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0)) {
      coordinator.expectRootLoad().rank().completeExceptionally(new IllegalStateException("EIO"));
      Duration delay = Duration.ofSeconds(1);
      for (int i = 2; i < 20; i++) {
        coordinator.expectRootLoad().rank().completeExceptionally(new IllegalStateException("EIO"));
        ClusterView view = coordinator.awaitPhase(Phase.RETRYING);
        assertEquals("retrying", view.nodes().getFirst().state());
        String error = error(view.nodes().getFirst());
        assertTrue(error.contains("EIO (failure " + i + " in a row"), error);
        coordinator.time.timePasses(delay.minusMillis(1));
        assertTrue(coordinator.rootLoads.isEmpty(), () -> "a try before " + error);
        coordinator.time.timePasses(Duration.ofMillis(1));
        delay = delay.multipliedBy(2);
        if (delay.compareTo(Duration.ofMinutes(5)) > 0) {
          delay = Duration.ofMinutes(5);
        }
      }
      coordinator.readyAlone();
    }
  }

  @Test
  void shouldNotWaitWhenANodeJoinsAfterTheRootFailed() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0)) {
      for (int i = 0; i < 2; i++) {
        coordinator
            .expectRootLoad()
            .rank()
            .completeExceptionally(new IllegalStateException("rank 1 is silent"));
      }
      coordinator.awaitPhase(Phase.RETRYING);
      coordinator.readyWith(coordinator.node("laptop").join());
    }
  }

  @Test
  void shouldForgetFailuresOfAClusterThatServedForAWhile() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0)) {
      coordinator.expectRootLoad().rank().completeExceptionally(new IllegalStateException("EIO"));
      TestCoordinator.RootLoad load = coordinator.expectRootLoad();
      load.rank().complete(new UnusedRoot());
      FakeEngine.Activation activation = coordinator.expectActivation();
      activation.connected().complete(TestCoordinator.SUMS);
      ClusterView ready = coordinator.awaitPhase(Phase.READY);
      assertNull(ready.nodes().getFirst().lastError());
      coordinator.time.timePasses(Duration.ofSeconds(30));
      activation.onLost().accept("the link broke");
      coordinator.readyAlone(); // at once, as after a first failure
    }
  }

  @Test
  void shouldAnswerStatisticsOfAllRanks() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      RankAssignment leaf = coordinator.readyWith(node);
      CompletableFuture<Map<Integer, RankStatistics>> result = new CompletableFuture<>();
      coordinator.actor.tell(new CoordinatorActor.CollectStatistics(result));
      node.expect(NodeMessage.ReportStatistics.class);
      coordinator.actor.tell(new CoordinatorMessage.Statistics(leaf.epoch() - 1, 1, USED));
      coordinator.actor.tell(new CoordinatorMessage.Statistics(leaf.epoch(), 2, USED));
      coordinator.actor.tell(new CoordinatorMessage.Statistics(leaf.epoch(), 1, USED));
      RankStatistics answer = Objects.requireNonNull(get(result).get(1));
      assertEquals(USED, answer.answeredAfter(0));
      assertTrue(answer.answerMs() > 0, answer::toString);
    }
  }

  @Test
  void shouldAnswerStatisticsWithoutThoseThatAreSilent() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      coordinator.readyWith(node);
      CompletableFuture<Map<Integer, RankStatistics>> result = new CompletableFuture<>();
      coordinator.actor.tell(new CoordinatorActor.CollectStatistics(result));
      node.expect(NodeMessage.ReportStatistics.class);
      assertFalse(result.isDone());
      coordinator.time.timePasses(STATISTICS_TIMEOUT);
      assertEquals(Map.of(), get(result));
    }
  }

  @Test
  void shouldStopAfterTheNodesHaveLeft() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      coordinator.readyWith(node);
      CompletableFuture<Void> stopped = new CompletableFuture<>();
      coordinator.actor.tell(new CoordinatorActor.Stop("bye", stopped));
      assertEquals("bye", coordinator.expectDeactivation());
      assertEquals("bye", node.expect(NodeMessage.Shutdown.class).reason());
      assertFalse(stopped.isDone());
      node.die();
      get(stopped);
    }
  }

  @Test
  void shouldNotWaitLongForANodeThatHangs() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      coordinator.readyWith(node);
      CompletableFuture<Void> stopped = new CompletableFuture<>();
      coordinator.actor.tell(new CoordinatorActor.Stop("bye", stopped));
      node.expect(NodeMessage.Shutdown.class);
      coordinator.time.timePasses(Duration.ofSeconds(1));
      get(stopped);
    }
  }

  @Test
  void shouldCloseARootThatIsLoadedWhileTheCoordinatorStops() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1)) {
      TestCoordinator.Node node = coordinator.node("laptop").join();
      TestCoordinator.RootLoad load = coordinator.expectRootLoad();
      coordinator.actor.tell(new CoordinatorActor.Stop("bye", new CompletableFuture<>()));
      node.expectLoad();
      node.expect(NodeMessage.Shutdown.class);
      UnusedRoot late = new UnusedRoot();
      load.rank().complete(late);
      assertTrue(late.closed.await(TestCoordinator.PATIENCE.toSeconds(), TimeUnit.SECONDS));
    }
  }

  private static void tellKept(
      TestCoordinator coordinator, TestCoordinator.Node node, KeptWeights kept) {
    coordinator.actor.tell(new CoordinatorMessage.WeightsKept(node.probe.ref(), kept));
  }

  @Test
  void shouldUseANewcomerAtOnceWhenItHasItsWeights() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(0, null, Replication.NONE, true)) {
      coordinator.readyAlone();
      TestCoordinator.Node node = coordinator.node("laptop").join();
      RankAssignment share = node.expect(NodeMessage.KeepWeights.class).share();
      assertEquals(1, share.rank());
      assertEquals(2, share.worldSize());
      tellKept(coordinator, node, new KeptWeights(1, 50, null));
      coordinator.awaitView(view -> view.nodes().getLast().kept() != null);
      assertTrue(coordinator.engine.deactivations.isEmpty());

      tellKept(coordinator, node, new KeptWeights(50, 50, null));
      assertEquals("a device joins or is drained", coordinator.expectDeactivation());
      coordinator.readyWith(node);
      assertTrue(coordinator.engine.idleActions.isEmpty());
    }
  }

  @Test
  void shouldLetTheAnswerEndBeforeANodeLeavesAlsoIfEager() throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(1, null, Replication.NONE, true)) {
      TestCoordinator.Node node = coordinator.node("laptop").provesToBe("600dcafe").join();
      coordinator.readyWith(node);
      coordinator.actor.tell(drained("600dcafe"));
      coordinator.expectIdleAction();
      assertTrue(coordinator.engine.deactivations.isEmpty());
    }
  }

  /** What nodes are to keep, in a plan with two of them beside the root. */
  private static RankAssignment kept(Replication replication, int rank) throws Exception {
    try (TestCoordinator coordinator = new TestCoordinator(2, null, replication, false)) {
      TestCoordinator.Node first = coordinator.node("laptop").join();
      TestCoordinator.Node second = coordinator.node("attic").join();
      RankAssignment own = first.expectLoad();
      first.loaded(own);
      second.loaded(second.expectLoad());
      coordinator.expectRootLoad().rank().complete(new UnusedRoot());
      coordinator.expectActivation().connected().complete(TestCoordinator.SUMS);
      first.expect(NodeMessage.Connect.class);
      second.expect(NodeMessage.Connect.class);
      first.connected(own);
      second.connected(own.withShares(2, own.shares()));
      TestCoordinator.Node node = rank == 1 ? first : second;
      NodeMessage.KeepWeights keep = node.expect(NodeMessage.KeepWeights.class);
      coordinator.actor.tell(
          new CoordinatorMessage.WeightsKept(
              node.probe.ref(), new KeptWeights(30, 50, "the disk is full")));
      ClusterView view =
          coordinator.awaitView(
              seen -> seen.nodes().stream().anyMatch(member -> member.kept() != null));
      assertEquals(new KeptWeights(30, 50, "the disk is full"), view.nodes().get(rank).kept());
      return keep.share();
    }
  }

  @Test
  void shouldHaveNodesKeepWhatOtherPlansMayAskFor() throws Exception {
    RankAssignment all = kept(Replication.FULL, 2);
    assertEquals(1, all.rank()); // which has no output head
    assertEquals(List.of(0.0, 3.0, 0.0), all.shares());
    assertEquals(List.of(0.0, 3.0, 0.0), kept(Replication.NEIGHBOUR, 1).shares());
    assertEquals(List.of(1.0, 2.0, 0.0), kept(Replication.NEIGHBOUR, 2).shares());
  }
}
