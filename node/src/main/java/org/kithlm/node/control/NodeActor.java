package org.kithlm.node.control;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.BehaviorBuilder;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.cluster.typed.SelfUp;
import org.apache.pekko.cluster.typed.Subscribe;
import org.jspecify.annotations.Nullable;

/**
 * A node on the control plane: asks for work, joins the cluster, then loads and starts the ranks
 * that the coordinator assigns. Its life is asking, joining, serving.
 */
public final class NodeActor {
  /** Name of the coordinator's actor, started as a system actor. */
  public static final String COORDINATOR = "coordinator";

  private static final String COORDINATOR_PATH = "/system/" + COORDINATOR;

  private static final Duration ASK_INTERVAL = Duration.ofMillis(500);

  private record Retry() implements NodeMessage {}

  private record JoinTimedOut() implements NodeMessage {}

  private record Up() implements NodeMessage {}

  private record Measured(@Nullable DeviceSpeed speed, @Nullable String failure)
      implements NodeMessage {}

  private record Loaded(RankAssignment assignment, LeafRank rank) implements NodeMessage {}

  private record LoadFailed(RankAssignment assignment, String reason) implements NodeMessage {}

  private record Kept(KeptWeights weights) implements NodeMessage {}

  private record Connected(long epoch, int rank) implements NodeMessage {}

  private record StepFailed(long epoch, int rank, String reason) implements NodeMessage {}

  private record Failed(long epoch, int rank, String reason) implements NodeMessage {}

  private final ActorContext<NodeMessage> context;
  private final TimerScheduler<NodeMessage> timers;
  private final NodeSettings settings;
  private final LeafRankLoader loader;
  private final Calibrator calibrator;
  private final WeightKeeper keeper;
  private final CompletableFuture<NodeEnd> end;

  private @Nullable ActorRef<CoordinatorMessage> coordinator;
  private @Nullable RankAssignment assignment;
  private @Nullable LeafRank rank;
  private boolean loading;
  private NodeMessage.@Nullable LoadShard nextLoad; // waits for the load under way

  private NodeActor(
      ActorContext<NodeMessage> context,
      TimerScheduler<NodeMessage> timers,
      NodeSettings settings,
      LeafRankLoader loader,
      Calibrator calibrator,
      WeightKeeper keeper,
      CompletableFuture<NodeEnd> end) {
    this.context = context;
    this.timers = timers;
    this.settings = settings;
    this.loader = loader;
    this.calibrator = calibrator;
    this.keeper = keeper;
    this.end = end;
  }

  /**
   * The actor of a node.
   *
   * @param end completed when the node can't go on; the caller then ends the actor system
   */
  public static Behavior<NodeMessage> create(
      NodeSettings settings,
      LeafRankLoader loader,
      Calibrator calibrator,
      WeightKeeper keeper,
      CompletableFuture<NodeEnd> end) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new NodeActor(context, timers, settings, loader, calibrator, keeper, end)
                        .asking()));
  }

  private Behavior<NodeMessage> asking() {
    timers.startTimerWithFixedDelay(new Retry(), Duration.ZERO, ASK_INTERVAL);
    timers.startSingleTimer(new JoinTimedOut(), settings.joinTimeout());
    return receive()
        .onMessage(Retry.class, retry -> ask())
        .onMessage(NodeMessage.Admitted.class, this::onAdmitted)
        .onMessage(NodeMessage.Refused.class, this::onRefused)
        .onMessage(JoinTimedOut.class, timeout -> onJoinTimedOut())
        .onAnyMessage(message -> Behaviors.same())
        .build();
  }

  /** Sends to the coordinator by its address, as it is not a member of our cluster yet. */
  private Behavior<NodeMessage> ask() {
    Adapter.toClassic(context.getSystem())
        .actorSelection(coordinatorAddress() + COORDINATOR_PATH)
        .tell(
            new CoordinatorMessage.JoinRequest(
                settings.name(),
                ProcessHandle.current().pid(),
                settings.host(),
                settings.memory(),
                context.getSelf()),
            org.apache.pekko.actor.ActorRef.noSender());
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onAdmitted(NodeMessage.Admitted admitted) {
    coordinator = admitted.coordinator();
    timers.cancel(new Retry());
    Cluster cluster = Cluster.get(context.getSystem());
    ActorRef<SelfUp> up = context.messageAdapter(SelfUp.class, event -> new Up());
    cluster.subscriptions().tell(Subscribe.create(up, SelfUp.class));
    cluster.manager().tell(Join.create(coordinatorAddress()));
    return receive()
        .onMessage(Up.class, event -> serving(admitted.coordinator()))
        .onMessage(NodeMessage.RemovedNodes.class, this::onRemovedNodes)
        .onMessage(NodeMessage.Refused.class, this::onRefused)
        .onMessage(NodeMessage.Shutdown.class, this::onShutdown)
        .onMessage(JoinTimedOut.class, timeout -> onJoinTimedOut())
        .onAnyMessage(message -> Behaviors.same())
        .build();
  }

  private Behavior<NodeMessage> serving(ActorRef<CoordinatorMessage> coordinatorRef) {
    timers.cancelAll();
    context.watch(coordinatorRef);
    coordinatorRef.tell(new CoordinatorMessage.NodeUp(context.getSelf()));
    return receive()
        .onMessage(NodeMessage.MeasureDevice.class, this::onMeasureDevice)
        .onMessage(Measured.class, this::onMeasured)
        .onMessage(NodeMessage.LoadShard.class, this::onLoadShard)
        .onMessage(Loaded.class, this::onLoaded)
        .onMessage(LoadFailed.class, this::onLoadFailed)
        .onMessage(NodeMessage.Connect.class, this::onConnect)
        .onMessage(Connected.class, this::onConnected)
        .onMessage(StepFailed.class, this::onStepFailed)
        .onMessage(Failed.class, this::onFailed)
        .onMessage(NodeMessage.KeepWeights.class, this::onKeepWeights)
        .onMessage(Kept.class, this::onKept)
        .onMessage(NodeMessage.ReportStatistics.class, this::onReportStatistics)
        .onMessage(NodeMessage.RemovedNodes.class, this::onRemovedNodes)
        .onMessage(NodeMessage.Refused.class, this::onRefused)
        .onMessage(NodeMessage.Shutdown.class, this::onShutdown)
        .onAnyMessage(message -> Behaviors.same())
        .onSignal(
            Terminated.class, signal -> endWith(NodeEnd.Kind.COORDINATOR_LOST, coordinatorLost()))
        .build();
  }

  /** What all states have in common: however the actor ends, the process learns of it. */
  private BehaviorBuilder<NodeMessage> receive() {
    return Behaviors.receive(NodeMessage.class)
        .onSignal(
            PostStop.class, signal -> endWith(NodeEnd.Kind.COORDINATOR_LOST, coordinatorLost()));
  }

  private String coordinatorLost() {
    return "lost the coordinator at "
        + settings.coordinatorHost()
        + ":"
        + settings.coordinatorPort();
  }

  private Behavior<NodeMessage> onRefused(NodeMessage.Refused message) {
    return endWith(NodeEnd.Kind.REFUSED, message.reason());
  }

  private Behavior<NodeMessage> onRemovedNodes(NodeMessage.RemovedNodes message) {
    settings.revoked().replace(message.ids());
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onShutdown(NodeMessage.Shutdown message) {
    return endWith(NodeEnd.Kind.SHUT_DOWN, message.reason());
  }

  private Behavior<NodeMessage> onMeasureDevice(NodeMessage.MeasureDevice message) {
    context.pipeToSelf(
        calibrator.measure(message.weightType()),
        (speed, failure) -> new Measured(speed, failure == null ? null : Causes.message(failure)));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onMeasured(Measured message) {
    tellCoordinator(
        new CoordinatorMessage.DeviceMeasured(
            context.getSelf(), message.speed(), message.failure()));
    return Behaviors.same();
  }

  /** One load at a time, as two would need twice the memory; of those that wait, the newest. */
  private Behavior<NodeMessage> onLoadShard(NodeMessage.LoadShard message) {
    keeper.stop();
    closeRank();
    assignment = message.assignment();
    if (loading) {
      nextLoad = message;
    } else {
      load(message);
    }
    return Behaviors.same();
  }

  private void load(NodeMessage.LoadShard message) {
    loading = true;
    RankAssignment wanted = message.assignment();
    context.pipeToSelf(
        loader.load(wanted, message.source()),
        (loaded, failure) ->
            loaded != null
                ? new Loaded(wanted, loaded)
                : new LoadFailed(wanted, Causes.message(failure)));
  }

  private void loadNext() {
    loading = false;
    NodeMessage.LoadShard message = nextLoad;
    nextLoad = null;
    if (message != null) {
      load(message);
    }
  }

  private Behavior<NodeMessage> onLoaded(Loaded message) {
    if (!message.assignment().equals(assignment)) {
      message.rank().close(); // a newer plan came while this one was loading
      loadNext();
      return Behaviors.same();
    }
    loadNext();
    rank = message.rank();
    tellCoordinator(
        new CoordinatorMessage.ShardLoaded(
            message.assignment().epoch(),
            message.assignment().rank(),
            message.rank().dataPort(),
            message.rank().maxTokens(),
            message.rank().statistics().weightsResidentBytes()));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onLoadFailed(LoadFailed message) {
    loadNext();
    tellCoordinator(
        new CoordinatorMessage.RankFailed(
            message.assignment().epoch(), message.assignment().rank(), message.reason()));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onConnect(NodeMessage.Connect message) {
    RankAssignment current = assignment;
    if (rank == null || current == null || current.epoch() != message.epoch()) {
      return Behaviors.same(); // of a plan that is over
    }
    ActorRef<NodeMessage> self = context.getSelf();
    rank.start(
        message.peers(),
        new LeafRank.Listener() {
          @Override
          public void onConnected() {
            self.tell(new Connected(current.epoch(), current.rank()));
          }

          @Override
          public void onStepFailed(String reason) {
            self.tell(new StepFailed(current.epoch(), current.rank(), reason));
          }

          @Override
          public void onFailed(String reason) {
            self.tell(new Failed(current.epoch(), current.rank(), reason));
          }
        });
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onConnected(Connected message) {
    tellCoordinator(new CoordinatorMessage.RankConnected(message.epoch(), message.rank()));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onStepFailed(StepFailed message) {
    tellCoordinator(
        new CoordinatorMessage.StepFailed(message.epoch(), message.rank(), message.reason()));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onFailed(Failed message) {
    if (assignment != null && assignment.epoch() == message.epoch()) {
      closeRank();
    }
    tellCoordinator(
        new CoordinatorMessage.RankFailed(message.epoch(), message.rank(), message.reason()));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onKeepWeights(NodeMessage.KeepWeights message) {
    LeafRank current = rank;
    ActorRef<NodeMessage> self = context.getSelf();
    keeper.keep(
        message.share(),
        message.source(),
        () -> current == null || current.isIdle(),
        kept -> self.tell(new Kept(kept)));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onKept(Kept message) {
    tellCoordinator(new CoordinatorMessage.WeightsKept(context.getSelf(), message.weights()));
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onReportStatistics(NodeMessage.ReportStatistics message) {
    RankAssignment current = assignment;
    if (rank != null && current != null && current.epoch() == message.epoch()) {
      tellCoordinator(
          new CoordinatorMessage.Statistics(current.epoch(), current.rank(), rank.statistics()));
    }
    return Behaviors.same();
  }

  private Behavior<NodeMessage> onJoinTimedOut() {
    return endWith(
        NodeEnd.Kind.UNREACHABLE,
        "no coordinator answered at "
            + settings.coordinatorHost()
            + ":"
            + settings.coordinatorPort()
            + " within "
            + settings.joinTimeout().toSeconds()
            + " s; check the address and that `kith up` runs there");
  }

  private Behavior<NodeMessage> endWith(NodeEnd.Kind kind, String message) {
    end.complete(new NodeEnd(kind, message)); // the first reason stands
    keeper.stop();
    closeRank();
    return Behaviors.stopped();
  }

  private void closeRank() {
    if (rank != null) {
      rank.close();
      rank = null;
    }
    assignment = null;
  }

  private void tellCoordinator(CoordinatorMessage message) {
    if (coordinator != null) {
      coordinator.tell(message);
    }
  }

  private Address coordinatorAddress() {
    return Address.apply(
        "pekko", ClusterSettings.SYSTEM, settings.coordinatorHost(), settings.coordinatorPort());
  }
}
