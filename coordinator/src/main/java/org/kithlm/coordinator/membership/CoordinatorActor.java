package org.kithlm.coordinator.membership;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Down;
import org.apache.pekko.cluster.typed.Join;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.CollectiveChoice;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRankLoader;
import org.kithlm.node.security.RefusedException;
import org.slf4j.event.Level;

/**
 * Admits nodes and turns them into plans: membership -> plan -> loaded -> connected -> ready. Every
 * join and every loss leads to a new plan; its number, the epoch, keeps messages of old ones apart.
 */
public final class CoordinatorActor {
  private static final String CHANGES = "a device joins or is drained";

  /** A plan that has served for so long was a good one. */
  private static final Duration SETTLE_TIME = Duration.ofSeconds(30);

  /**
   * Asks what all ranks have used; completed with what has come after two seconds at the latest.
   */
  public record CollectStatistics(CompletableFuture<Map<Integer, RankStatistics>> result)
      implements CoordinatorMessage {}

  /**
   * Ends the plan and the nodes; then the actor stops.
   *
   * @param stopped completed when all nodes have left, or after a second
   */
  public record Stop(String reason, CompletableFuture<Void> stopped)
      implements CoordinatorMessage {}

  private final ActorContext<CoordinatorMessage> context;
  private final TimerScheduler<CoordinatorMessage> timers;
  private CoordinatorSettings settings;
  private final RootRankLoader rootLoader;
  private final RootEngine engine;
  private final Consumer<ClusterView> observer;
  private final ClusterDoor door;

  private final Planner planner;
  private final Members members;
  private final Newcomers newcomers = new Newcomers();
  private final StatisticsRound statistics = new StatisticsRound();
  private final RootMember root;

  private int expectedNodes;
  private ClusterView.Phase phase = ClusterView.Phase.GATHERING;
  private long epoch = System.currentTimeMillis(); // grows over restarts too
  private @Nullable Plan plan;
  private boolean replanRequested;

  private CoordinatorActor(
      ActorContext<CoordinatorMessage> context,
      TimerScheduler<CoordinatorMessage> timers,
      CoordinatorSettings settings,
      RootRankLoader rootLoader,
      RootEngine engine,
      Consumer<ClusterView> observer,
      ClusterDoor door) {
    this.context = context;
    this.timers = timers;
    this.settings = settings;
    this.rootLoader = rootLoader;
    this.engine = engine;
    this.observer = observer;
    this.door = door;
    this.planner = new Planner(settings);
    this.members = new Members(door);
    this.root = new RootMember(settings.name(), settings.host());
    this.expectedNodes = settings.expectedNodes();
  }

  /**
   * The coordinator's actor; nodes look for it as a system actor named {@link
   * org.kithlm.node.control.NodeActor#COORDINATOR}.
   *
   * @param observer told each new state, on the actor's thread; must not block
   * @param identities knows the node id in the certificate of a process
   */
  public static Behavior<CoordinatorMessage> create(
      CoordinatorSettings settings,
      RootRankLoader rootLoader,
      RootEngine engine,
      Consumer<ClusterView> observer,
      Function<Address, Optional<String>> identities) {
    return Behaviors.setup(
        context -> {
          Cluster cluster = Cluster.get(context.getSystem());
          cluster.manager().tell(Join.create(cluster.selfMember().address()));
          return create(
              settings,
              rootLoader,
              engine,
              observer,
              new ClusterDoor(identities, address -> cluster.manager().tell(Down.apply(address))));
        });
  }

  /** The same without a cluster of its own. */
  static Behavior<CoordinatorMessage> create(
      CoordinatorSettings settings,
      RootRankLoader rootLoader,
      RootEngine engine,
      Consumer<ClusterView> observer,
      ClusterDoor door) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new CoordinatorActor(
                            context, timers, settings, rootLoader, engine, observer, door)
                        .running()));
  }

  private Behavior<CoordinatorMessage> running() {
    measureRoot();
    planIfPossible();
    return Behaviors.receive(CoordinatorMessage.class)
        .onMessage(NodesExcluded.class, this::onNodesExcluded)
        .onMessage(ProcessGone.class, this::onProcessGone)
        .onMessage(CoordinatorMessage.JoinRequest.class, this::onJoinRequest)
        .onMessage(CoordinatorMessage.NodeUp.class, this::onNodeUp)
        .onMessage(CoordinatorMessage.DeviceMeasured.class, this::onDeviceMeasured)
        .onMessage(CoordinatorEvent.RootMeasured.class, this::onRootMeasured)
        .onMessage(CoordinatorMessage.ShardLoaded.class, this::onShardLoaded)
        .onMessage(CoordinatorMessage.RankConnected.class, this::onRankConnected)
        .onMessage(CoordinatorMessage.StepFailed.class, this::onStepFailed)
        .onMessage(CoordinatorMessage.RankFailed.class, this::onRankFailed)
        .onMessage(CoordinatorMessage.Statistics.class, this::onStatistics)
        .onMessage(CoordinatorMessage.WeightsKept.class, this::onWeightsKept)
        .onMessage(CoordinatorEvent.RootLoaded.class, this::onRootLoaded)
        .onMessage(CoordinatorEvent.RootActivated.class, this::onRootActivated)
        .onMessage(CoordinatorEvent.RootFailed.class, this::onRootFailed)
        .onMessage(CoordinatorEvent.Replan.class, this::onReplan)
        .onMessage(CoordinatorEvent.RetryPlan.class, this::onRetryPlan)
        .onMessage(CoordinatorEvent.RetryMember.class, this::onRetryMember)
        .onMessage(CoordinatorEvent.Settled.class, this::onSettled)
        .onMessage(CollectStatistics.class, this::onCollectStatistics)
        .onMessage(Stop.class, this::onStop)
        .onMessage(CoordinatorEvent.StatisticsTimedOut.class, this::onStatisticsTimedOut)
        .onSignal(Terminated.class, this::onTerminated)
        .onSignal(PostStop.class, this::onPostStop)
        .build();
  }

  // Who is here.

  private Behavior<CoordinatorMessage> onJoinRequest(CoordinatorMessage.JoinRequest request) {
    Member member = new Member(request);
    if (members.add(member)) {
      context.watch(member.ref);
    }
    request.replyTo().tell(new NodeMessage.Admitted(context.getSelf()));
    request.replyTo().tell(new NodeMessage.RemovedNodes(members.removedIds()));
    publish();
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onNodeUp(CoordinatorMessage.NodeUp message) {
    Member member = members.get(message.node());
    if (member != null) {
      member.up = true;
      context.getLog().info("node {} at {} is up", member.name, member.host);
      if (settings.calibrator() != null) {
        member.measuring = true;
        member.ref.tell(new NodeMessage.MeasureDevice(settings.workload().weightType()));
      }
      publish();
      replanIfChanged();
    }
    return Behaviors.same();
  }

  private void measureRoot() {
    Calibrator calibrator = settings.calibrator();
    if (calibrator != null) {
      root.measuring = true;
      context.pipeToSelf(
          calibrator.measure(settings.workload().weightType()),
          (speed, failure) ->
              new CoordinatorEvent.RootMeasured(
                  speed, failure == null ? null : Causes.message(failure)));
    }
  }

  private Behavior<CoordinatorMessage> onRootMeasured(CoordinatorEvent.RootMeasured message) {
    root.measuring = false;
    DeviceSpeed speed = message.speed();
    if (speed == null) {
      context.getLog().warn("shares are equal: cannot measure this device: {}", message.failure());
    } else {
      planner.rootSpeed(speed);
    }
    planIfPossible();
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onDeviceMeasured(CoordinatorMessage.DeviceMeasured message) {
    Member member = members.get(message.node());
    if (member != null && member.measuring) {
      DeviceSpeed speed = message.speed();
      if (speed == null) {
        member.lastError = "it cannot be measured, so it gets no work: " + message.failure();
      } else {
        member.speed = speed;
        member.measuring = false;
      }
      publish();
      replanIfChanged();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onTerminated(Terminated signal) {
    gone(members.get(signal.getRef().<NodeMessage>unsafeUpcast()));
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onProcessGone(ProcessGone message) {
    members.at(message.address()).forEach(this::gone);
    return Behaviors.same();
  }

  private void gone(@Nullable Member member) {
    if (member != null) {
      context.getLog().warn("node {} at {} is gone", member.name, member.host);
      left(member, "its process is gone");
    }
  }

  private Behavior<CoordinatorMessage> onNodesExcluded(NodesExcluded message) {
    boolean othersAreRemoved = !message.removed().equals(members.removedIds());
    members.exclude(message);
    for (Member member : members.list()) {
      if (members.isRemoved(member)) {
        context.getLog().warn("node {} at {} was removed", member.name, member.host);
        member.ref.tell(new NodeMessage.Refused(RefusedException.REMOVED));
        left(member, "it was removed");
      } else if (othersAreRemoved) {
        member.ref.tell(new NodeMessage.RemovedNodes(message.removed()));
      }
    }
    replanIfChanged();
    publish();
    return Behaviors.same();
  }

  private void left(Member member, String reason) {
    members.remove(member);
    context.unwatch(member.ref);
    timers.cancel(new CoordinatorEvent.RetryMember(member.ref));
    door.shutOut(member);
    if (plan != null && plan.uses(member)) {
      endPlan("lost " + plan.describe(member) + ": " + reason);
      planIfPossible();
    } else if (phase == ClusterView.Phase.RETRYING) {
      replanSoon();
    } else if (newcomers.forget(member)) {
      replanIfChanged();
    }
    publish();
  }

  // From plan to ready.

  private void replanIfChanged() {
    List<Member> usable = members.usable();
    if (plan == null || !plan.division().considered().equals(usable)) {
      if (settings.eager() && phase == ClusterView.Phase.READY && plan != null) {
        replanEagerly(plan.division(), usable);
      } else {
        replanSoon();
      }
    }
  }

  /** Has newcomers fetch first. Where a node is to leave as well, the answer ends before. */
  private void replanEagerly(Division current, List<Member> usable) {
    Division next = planner.divide(usable);
    List<Member> fresh = Newcomers.of(next, current);
    if (fresh.isEmpty() || !usable.containsAll(current.considered())) {
      newcomers.clear();
      replanSoon();
      return;
    }
    newcomers.begin(fresh);
    for (Member member : fresh) {
      member.ref.tell(
          new NodeMessage.KeepWeights(next.assignment(member, epoch, settings), settings.origin()));
    }
  }

  private void replanSoon() {
    if (phase == ClusterView.Phase.GATHERING || phase == ClusterView.Phase.RETRYING) {
      timers.cancel(new CoordinatorEvent.RetryPlan());
      phase = ClusterView.Phase.GATHERING;
      planIfPossible();
    } else if (phase == ClusterView.Phase.READY) {
      ActorRef<CoordinatorMessage> self = context.getSelf();
      engine.whenIdle(
          () -> {
            engine.deactivate(CHANGES); // before a queued generation starts
            self.tell(new CoordinatorEvent.Replan());
          });
    } else {
      replanRequested = true;
    }
  }

  private Behavior<CoordinatorMessage> onReplan(CoordinatorEvent.Replan message) {
    replanNow();
    return Behaviors.same();
  }

  private void replanNow() {
    if (phase == ClusterView.Phase.READY) {
      endPlan(CHANGES);
      planIfPossible();
    } else {
      replanSoon();
    }
  }

  private Behavior<CoordinatorMessage> onRetryPlan(CoordinatorEvent.RetryPlan message) {
    if (phase == ClusterView.Phase.RETRYING) {
      replanSoon();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onRetryMember(CoordinatorEvent.RetryMember message) {
    Member member = members.get(message.node());
    if (member != null) {
      member.resting = false;
      publish();
      replanIfChanged();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onSettled(CoordinatorEvent.Settled message) {
    if (plan != null && plan.epoch == message.epoch()) {
      root.retry.succeeded();
      plan.leaves().forEach(member -> member.retry.succeeded());
    }
    return Behaviors.same();
  }

  private void planIfPossible() {
    List<Member> usable = members.usable();
    if (phase != ClusterView.Phase.GATHERING || root.measuring || usable.size() < expectedNodes) {
      return;
    }
    newcomers.clear();
    expectedNodes = 0; // once formed, a cluster goes on with whoever is left
    replanRequested = false;
    epoch++;
    Plan next = new Plan(epoch, planner.divide(usable));
    plan = next;
    phase = ClusterView.Phase.LOADING;
    context.getLog().info("epoch {}: {} ranks", epoch, next.worldSize());
    for (Member member : next.leaves()) {
      member.ref.tell(
          new NodeMessage.LoadShard(next.assignment(member.rank, settings), settings.origin()));
    }
    context.pipeToSelf(
        rootLoader.load(next.assignment(0, settings)),
        (loaded, failure) ->
            loaded != null
                ? new CoordinatorEvent.RootLoaded(next.epoch, loaded)
                : new CoordinatorEvent.RootFailed(next.epoch, Causes.message(failure)));
    publish();
  }

  private Behavior<CoordinatorMessage> onRootLoaded(CoordinatorEvent.RootLoaded message) {
    if (plan == null || plan.epoch != message.epoch()) {
      message.rank().close();
      return Behaviors.same();
    }
    root.loaded(message.rank());
    plan.loaded(0, settings.host(), message.rank().dataPort(), message.rank().maxTokens());
    connectIfLoaded(plan);
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onShardLoaded(CoordinatorMessage.ShardLoaded message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null && plan != null) {
      member.residentBytes = message.residentBytes();
      plan.loaded(message.rank(), member.host, message.dataPort(), message.maxTokens());
      connectIfLoaded(plan);
    }
    return Behaviors.same();
  }

  private void connectIfLoaded(Plan current) {
    List<NodeMessage.Peer> peers = current.peers();
    if (peers == null || !root.isLoaded() || phase != ClusterView.Phase.LOADING) {
      return;
    }
    phase = ClusterView.Phase.CONNECTING;
    for (Member member : current.leaves()) {
      member.ref.tell(new NodeMessage.Connect(current.epoch, peers));
    }
    ActorRef<CoordinatorMessage> self = context.getSelf();
    context.pipeToSelf(
        engine.activate(
            root.handOver(),
            peers,
            reason -> self.tell(new CoordinatorEvent.RootFailed(current.epoch, reason))),
        (connected, failure) ->
            failure == null
                ? new CoordinatorEvent.RootActivated(current.epoch, connected)
                : new CoordinatorEvent.RootFailed(current.epoch, Causes.message(failure)));
    publish();
  }

  private Behavior<CoordinatorMessage> onRankConnected(CoordinatorMessage.RankConnected message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null) {
      connected(message.epoch(), message.rank());
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onRootActivated(CoordinatorEvent.RootActivated message) {
    root.connected();
    if (plan != null && plan.epoch == message.epoch()) {
      plan.sums = message.sums();
      planner.measured(message.sums());
    }
    connected(message.epoch(), 0);
    return Behaviors.same();
  }

  private void connected(long atEpoch, int rank) {
    if (plan == null || plan.epoch != atEpoch) {
      return;
    }
    plan.connected(rank);
    if (plan.isConnected() && planner.isOutdated(plan.division())) {
      context.getLog().info("epoch {}: attention is to be replicated", epoch);
      endPlan("the links are measured");
      planIfPossible();
    } else if (plan.isConnected()) {
      phase = ClusterView.Phase.READY;
      context.getLog().info("epoch {} is ready", epoch);
      Division division = plan.division();
      plan.attention = planner.describeAttention(division);
      for (Member member : division.leaves()) {
        member.indispensable = planner.shortageWithout(member, division);
      }
      timers.startSingleTimer(new CoordinatorEvent.Settled(epoch), SETTLE_TIME);
      plan.leaves().forEach(this::replicate);
      publish();
      if (replanRequested) {
        replanIfChanged();
      }
    }
  }

  /** Has a rank's node keep what another plan may ask it for. */
  private void replicate(Member member) {
    if (plan != null) {
      settings
          .replication()
          .wanted(plan.assignment(member.rank, settings))
          .ifPresent(
              share -> member.ref.tell(new NodeMessage.KeepWeights(share, settings.origin())));
    }
  }

  private Behavior<CoordinatorMessage> onWeightsKept(CoordinatorMessage.WeightsKept message) {
    Member member = members.get(message.node());
    if (member != null) {
      member.kept = message.weights();
      if (newcomers.isStuck(member, message.weights())) {
        newcomers.clear();
        replanSoon(); // it may still work, but not at the cost of the answer
      } else if (newcomers.isLast(member, message.weights())) {
        replanNow();
      }
      publish();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onStepFailed(CoordinatorMessage.StepFailed message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null && plan != null) {
      engine.failStep(plan.describe(member) + " failed: " + message.reason());
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onRankFailed(CoordinatorMessage.RankFailed message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null && plan != null) {
      Duration delay = member.failed(message.reason());
      if (member.resting) {
        timers.startSingleTimer(new CoordinatorEvent.RetryMember(member.ref), delay);
      }
      context.getLog().warn("{} failed: {}", plan.describe(member), message.reason());
      if (phase == ClusterView.Phase.CONNECTING && plan.leaves().size() > 1) {
        sumThroughThisProcess();
      }
      endPlan(plan.describe(member) + " failed: " + message.reason());
      planIfPossible();
      publish();
    }
    return Behaviors.same();
  }

  /** Nodes that cannot connect may have no way to each other, but all have one to this process. */
  private void sumThroughThisProcess() {
    if (settings.collective() == CollectiveChoice.AUTO) {
      context.getLog().warn("sums go through this process from now on");
      settings = settings.withCollective(CollectiveChoice.STAR);
    }
  }

  private Behavior<CoordinatorMessage> onRootFailed(CoordinatorEvent.RootFailed message) {
    if (plan == null || plan.epoch != message.epoch()) {
      return Behaviors.same();
    }
    Level level = phase == ClusterView.Phase.READY ? Level.WARN : Level.INFO; // who waits is told
    context.getLog().atLevel(level).log("rank 0 failed: {}", message.reason());
    endPlan("rank 0 failed: " + message.reason());
    Duration delay = root.failed(message.reason());
    if (delay.isZero()) {
      planIfPossible();
    } else {
      phase = ClusterView.Phase.RETRYING;
      timers.startSingleTimer(new CoordinatorEvent.RetryPlan(), delay);
    }
    publish();
    return Behaviors.same();
  }

  private void endPlan(String reason) {
    engine.deactivate(reason);
    root.close();
    members.list().forEach(member -> member.rank = Plan.NO_RANK);
    plan = null;
    phase = ClusterView.Phase.GATHERING;
  }

  private @Nullable Member memberOf(long atEpoch, int rank) {
    if (plan == null || plan.epoch != atEpoch || rank < 1 || rank >= plan.worldSize()) {
      return null;
    }
    return plan.leaves().get(rank - 1);
  }

  // What users see.

  private Behavior<CoordinatorMessage> onCollectStatistics(CollectStatistics message) {
    statistics.join(message.result(), plan, timers);
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onStatistics(CoordinatorMessage.Statistics message) {
    if (memberOf(message.epoch(), message.rank()) != null) {
      statistics.add(message.rank(), message.statistics(), plan, timers);
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onStatisticsTimedOut(
      CoordinatorEvent.StatisticsTimedOut message) {
    statistics.end();
    return Behaviors.same();
  }

  private void publish() {
    List<ClusterView.NodeView> nodes = new ArrayList<>();
    String label = phase.name().toLowerCase(java.util.Locale.ROOT);
    nodes.add(root.view(label, plan));
    for (Member member : members.list()) {
      nodes.add(member.view(members.state(member, label), plan));
    }
    observer.accept(
        new ClusterView(
            phase,
            epoch,
            nodes,
            plan == null ? null : plan.sums,
            plan == null ? null : plan.attention));
  }

  // The end.

  private Behavior<CoordinatorMessage> onStop(Stop message) {
    endPlan(message.reason());
    statistics.end();
    if (members.isEmpty()) {
      message.stopped().complete(null);
      return Behaviors.stopped();
    }
    return Leaving.of(members.refs(), timers, message.reason(), message.stopped());
  }

  private Behavior<CoordinatorMessage> onPostStop(PostStop signal) {
    endPlan("the coordinator shuts down");
    statistics.end();
    return Behaviors.same();
  }
}
