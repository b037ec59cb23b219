package org.kithlm.coordinator.membership;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.jspecify.annotations.Nullable;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.JoinToken;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;
import org.kithlm.node.rank.RootRankLoader;

/**
 * Admits nodes and turns them into plans: membership -> plan -> loaded -> connected -> ready. Every
 * join and every loss leads to a new plan; its number, the epoch, keeps messages of old ones apart.
 */
public final class CoordinatorActor {
  private static final int MAX_NONCES = 256;
  private static final Duration STATISTICS_TIMEOUT = Duration.ofSeconds(2);

  /**
   * Asks what all ranks have used; completed with what has come after two seconds at the latest.
   */
  public record CollectStatistics(CompletableFuture<Map<Integer, RankStatistics>> result)
      implements CoordinatorMessage {}

  /** Ends the plan and the nodes; then the actor stops. */
  public record Stop(String reason) implements CoordinatorMessage {}

  private record StatisticsTimedOut() implements CoordinatorMessage {}

  private record RootLoaded(long epoch, RootRank rank) implements CoordinatorMessage {}

  private record RootActivated(long epoch) implements CoordinatorMessage {}

  private record RootFailed(long epoch, String reason) implements CoordinatorMessage {}

  private record Replan() implements CoordinatorMessage {}

  private final ActorContext<CoordinatorMessage> context;
  private final TimerScheduler<CoordinatorMessage> timers;
  private final CoordinatorSettings settings;
  private final RootRankLoader rootLoader;
  private final RootEngine engine;
  private final Consumer<ClusterView> observer;

  private final Map<String, ActorRef<NodeMessage>> nonces = new LinkedHashMap<>();
  private final Map<ActorRef<NodeMessage>, Member> members = new LinkedHashMap<>();
  private final Map<Integer, RankStatistics> statistics = new TreeMap<>();
  private final List<CompletableFuture<Map<Integer, RankStatistics>>> statisticsWaiters =
      new ArrayList<>();

  private int expectedNodes;
  private ClusterView.Phase phase = ClusterView.Phase.GATHERING;
  private long epoch = System.currentTimeMillis(); // grows over restarts too
  private @Nullable Plan plan;
  private @Nullable RootRank root;
  private long rootResidentBytes;
  private @Nullable String rootError;
  private boolean replanRequested;

  private CoordinatorActor(
      ActorContext<CoordinatorMessage> context,
      TimerScheduler<CoordinatorMessage> timers,
      CoordinatorSettings settings,
      RootRankLoader rootLoader,
      RootEngine engine,
      Consumer<ClusterView> observer) {
    this.context = context;
    this.timers = timers;
    this.settings = settings;
    this.rootLoader = rootLoader;
    this.engine = engine;
    this.observer = observer;
    this.expectedNodes = settings.expectedNodes();
  }

  /**
   * The coordinator's actor; must be the guardian of its system.
   *
   * @param observer told each new state, on the actor's thread; must not block
   */
  public static Behavior<CoordinatorMessage> create(
      CoordinatorSettings settings,
      RootRankLoader rootLoader,
      RootEngine engine,
      Consumer<ClusterView> observer) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers ->
                    new CoordinatorActor(context, timers, settings, rootLoader, engine, observer)
                        .running()));
  }

  private Behavior<CoordinatorMessage> running() {
    Cluster cluster = Cluster.get(context.getSystem());
    cluster.manager().tell(Join.create(cluster.selfMember().address()));
    planIfPossible();
    return Behaviors.receive(CoordinatorMessage.class)
        .onMessage(CoordinatorMessage.Hello.class, this::onHello)
        .onMessage(CoordinatorMessage.JoinRequest.class, this::onJoinRequest)
        .onMessage(CoordinatorMessage.NodeUp.class, this::onNodeUp)
        .onMessage(CoordinatorMessage.ShardLoaded.class, this::onShardLoaded)
        .onMessage(CoordinatorMessage.RankConnected.class, this::onRankConnected)
        .onMessage(CoordinatorMessage.RankFailed.class, this::onRankFailed)
        .onMessage(CoordinatorMessage.Statistics.class, this::onStatistics)
        .onMessage(RootLoaded.class, this::onRootLoaded)
        .onMessage(RootActivated.class, this::onRootActivated)
        .onMessage(RootFailed.class, this::onRootFailed)
        .onMessage(Replan.class, this::onReplan)
        .onMessage(CollectStatistics.class, this::onCollectStatistics)
        .onMessage(Stop.class, this::onStop)
        .onMessage(StatisticsTimedOut.class, this::onStatisticsTimedOut)
        .onSignal(Terminated.class, this::onTerminated)
        .onSignal(PostStop.class, this::onPostStop)
        .build();
  }

  // Enrolment.

  private Behavior<CoordinatorMessage> onHello(CoordinatorMessage.Hello hello) {
    if (nonces.size() >= MAX_NONCES) {
      nonces.remove(nonces.keySet().iterator().next()); // strangers must not fill the memory
    }
    String nonce = JoinToken.nonce();
    nonces.put(nonce, hello.replyTo());
    hello.replyTo().tell(new NodeMessage.Challenge(nonce));
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onJoinRequest(CoordinatorMessage.JoinRequest request) {
    boolean asked = request.replyTo().equals(nonces.remove(request.nonce()));
    if (!asked
        || !settings
            .token()
            .verifies(request.proof(), request.nonce(), request.name(), request.host())) {
      context
          .getLog()
          .warn("refused node {} at {}: wrong join token", request.name(), request.host());
      request
          .replyTo()
          .tell(
              new NodeMessage.Refused(
                  "the coordinator refused the join token; use the one that `kith up` printed"));
      return Behaviors.same();
    }
    Member member = new Member(request.replyTo(), request.name(), request.pid(), request.host());
    if (members.putIfAbsent(member.ref, member) == null) {
      context.watch(member.ref);
    }
    request.replyTo().tell(new NodeMessage.Admitted(context.getSelf()));
    publish();
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onNodeUp(CoordinatorMessage.NodeUp message) {
    Member member = members.get(message.node());
    if (member != null) {
      member.up = true;
      context.getLog().info("node {} at {} is up", member.name, member.host);
      publish();
      replanSoon();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onTerminated(Terminated signal) {
    Member member = members.remove(signal.getRef().<NodeMessage>unsafeUpcast());
    if (member == null) {
      return Behaviors.same();
    }
    context.getLog().warn("node {} at {} is gone", member.name, member.host);
    if (plan != null && plan.uses(member)) {
      endPlan("lost " + plan.describe(member) + ": its process is gone");
      planIfPossible();
    }
    publish();
    return Behaviors.same();
  }

  // From plan to ready.

  private void replanSoon() {
    if (phase == ClusterView.Phase.GATHERING) {
      planIfPossible();
    } else if (phase == ClusterView.Phase.READY) {
      ActorRef<CoordinatorMessage> self = context.getSelf();
      engine.whenIdle(() -> self.tell(new Replan()));
    } else {
      replanRequested = true;
    }
  }

  private Behavior<CoordinatorMessage> onReplan(Replan message) {
    if (phase == ClusterView.Phase.READY) {
      endPlan("the cluster takes in a node");
      planIfPossible();
    }
    return Behaviors.same();
  }

  private void planIfPossible() {
    List<Member> usable = members.values().stream().filter(Member::isUsable).toList();
    if (phase != ClusterView.Phase.GATHERING || usable.size() < expectedNodes) {
      return;
    }
    expectedNodes = 0; // once formed, a cluster goes on with whoever is left
    replanRequested = false;
    epoch++;
    Plan next = new Plan(epoch, usable);
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
                ? new RootLoaded(next.epoch, loaded)
                : new RootFailed(next.epoch, Causes.message(failure)));
    publish();
  }

  private Behavior<CoordinatorMessage> onRootLoaded(RootLoaded message) {
    if (plan == null || plan.epoch != message.epoch()) {
      message.rank().close();
      return Behaviors.same();
    }
    root = message.rank();
    rootResidentBytes = message.rank().statistics().weightsResidentBytes();
    plan.loaded(0, settings.host(), message.rank().dataPort());
    connectIfLoaded(plan);
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onShardLoaded(CoordinatorMessage.ShardLoaded message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null && plan != null) {
      member.residentBytes = message.residentBytes();
      plan.loaded(message.rank(), member.host, message.dataPort());
      connectIfLoaded(plan);
    }
    return Behaviors.same();
  }

  private void connectIfLoaded(Plan current) {
    List<NodeMessage.Peer> peers = current.peers();
    RootRank loadedRoot = root;
    if (peers == null || loadedRoot == null || phase != ClusterView.Phase.LOADING) {
      return;
    }
    phase = ClusterView.Phase.CONNECTING;
    for (Member member : current.leaves()) {
      member.ref.tell(new NodeMessage.Connect(current.epoch, peers));
    }
    root = null; // the engine's from here on
    ActorRef<CoordinatorMessage> self = context.getSelf();
    context.pipeToSelf(
        engine.activate(
            loadedRoot, peers, reason -> self.tell(new RootFailed(current.epoch, reason))),
        (done, failure) ->
            failure == null
                ? new RootActivated(current.epoch)
                : new RootFailed(current.epoch, Causes.message(failure)));
    publish();
  }

  private Behavior<CoordinatorMessage> onRankConnected(CoordinatorMessage.RankConnected message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null) {
      member.succeeded();
      connected(message.epoch(), message.rank());
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onRootActivated(RootActivated message) {
    rootError = null;
    connected(message.epoch(), 0);
    return Behaviors.same();
  }

  private void connected(long atEpoch, int rank) {
    if (plan == null || plan.epoch != atEpoch) {
      return;
    }
    plan.connected(rank);
    if (plan.isConnected()) {
      phase = ClusterView.Phase.READY;
      context.getLog().info("epoch {} is ready", epoch);
      publish();
      if (replanRequested) {
        replanSoon();
      }
    }
  }

  private Behavior<CoordinatorMessage> onRankFailed(CoordinatorMessage.RankFailed message) {
    Member member = memberOf(message.epoch(), message.rank());
    if (member != null && plan != null) {
      member.failed(message.reason());
      context.getLog().warn("{} failed: {}", plan.describe(member), message.reason());
      endPlan(plan.describe(member) + " failed: " + message.reason());
      planIfPossible();
      publish();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onRootFailed(RootFailed message) {
    if (plan == null || plan.epoch != message.epoch()) {
      return Behaviors.same();
    }
    context.getLog().warn("rank 0 failed: {}", message.reason());
    boolean first = rootError == null;
    rootError = message.reason();
    endPlan("rank 0 failed: " + message.reason());
    if (first) {
      planIfPossible(); // a lost leaf shows here too; a second failure in a row is the root's own
    }
    publish();
    return Behaviors.same();
  }

  private void endPlan(String reason) {
    engine.deactivate(reason);
    if (root != null) {
      root.close();
      root = null;
    }
    for (Member member : members.values()) {
      member.rank = Plan.NO_RANK;
    }
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
    statisticsWaiters.add(message.result());
    if (statisticsWaiters.size() == 1) {
      statistics.clear();
      timers.startSingleTimer(new StatisticsTimedOut(), STATISTICS_TIMEOUT);
      if (plan != null) {
        for (Member member : plan.leaves()) {
          member.ref.tell(new NodeMessage.ReportStatistics(plan.epoch));
        }
      }
      answerIfComplete();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onStatistics(CoordinatorMessage.Statistics message) {
    if (memberOf(message.epoch(), message.rank()) != null) {
      statistics.put(message.rank(), message.statistics());
      answerIfComplete();
    }
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onStatisticsTimedOut(StatisticsTimedOut message) {
    answerStatistics();
    return Behaviors.same();
  }

  private void answerIfComplete() {
    if (statistics.size() == (plan == null ? 0 : plan.leaves().size())) {
      answerStatistics();
    }
  }

  private void answerStatistics() {
    timers.cancel(new StatisticsTimedOut());
    statisticsWaiters.forEach(waiter -> waiter.complete(Map.copyOf(statistics)));
    statisticsWaiters.clear();
  }

  private void publish() {
    List<ClusterView.NodeView> nodes = new ArrayList<>();
    String label = phase.name().toLowerCase(java.util.Locale.ROOT);
    nodes.add(
        new ClusterView.NodeView(
            0,
            settings.name(),
            ProcessHandle.current().pid(),
            settings.host(),
            label,
            rootResidentBytes,
            rootError));
    for (Member member : members.values()) {
      nodes.add(member.view(label));
    }
    observer.accept(new ClusterView(phase, epoch, nodes));
  }

  private Behavior<CoordinatorMessage> onStop(Stop message) {
    for (Member member : members.values()) {
      context.unwatch(member.ref); // they leave on our word
      member.ref.tell(new NodeMessage.Shutdown(message.reason()));
    }
    return Behaviors.stopped();
  }

  private Behavior<CoordinatorMessage> onPostStop(PostStop signal) {
    endPlan("the coordinator shuts down");
    return Behaviors.same();
  }
}
