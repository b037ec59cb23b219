package org.kithlm.coordinator.membership;

import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.kithlm.node.control.CoordinatorMessage;
import org.kithlm.node.control.NodeMessage;

/** The coordinator's last state: the nodes leave, then the actor stops. */
final class Leaving {
  /** A node that hangs must not keep the user waiting. */
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  private final Set<ActorRef<NodeMessage>> nodes;
  private final CompletableFuture<Void> stopped;

  private Leaving(Set<ActorRef<NodeMessage>> nodes, CompletableFuture<Void> stopped) {
    this.nodes = new HashSet<>(nodes);
    this.stopped = stopped;
  }

  /**
   * Tells nodes to end and waits for that.
   *
   * @param nodes watched by the actor
   * @param stopped completed with the actor's end
   */
  static Behavior<CoordinatorMessage> of(
      Set<ActorRef<NodeMessage>> nodes,
      TimerScheduler<CoordinatorMessage> timers,
      String reason,
      CompletableFuture<Void> stopped) {
    timers.startSingleTimer(new CoordinatorEvent.LeaveTimedOut(), TIMEOUT);
    nodes.forEach(node -> node.tell(new NodeMessage.Shutdown(reason)));
    return new Leaving(nodes, stopped).waiting();
  }

  private Behavior<CoordinatorMessage> waiting() {
    return Behaviors.receive(CoordinatorMessage.class)
        .onMessage(CoordinatorEvent.LeaveTimedOut.class, timeout -> Behaviors.stopped())
        .onMessage(CoordinatorEvent.RootLoaded.class, this::onRootLoaded)
        .onAnyMessage(message -> Behaviors.same())
        .onSignal(Terminated.class, this::onTerminated)
        .onSignal(PostStop.class, this::onPostStop)
        .build();
  }

  private Behavior<CoordinatorMessage> onRootLoaded(CoordinatorEvent.RootLoaded late) {
    late.rank().close();
    return Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onTerminated(Terminated signal) {
    nodes.remove(signal.getRef().<NodeMessage>unsafeUpcast());
    return nodes.isEmpty() ? Behaviors.stopped() : Behaviors.same();
  }

  private Behavior<CoordinatorMessage> onPostStop(PostStop signal) {
    stopped.complete(null);
    return Behaviors.same();
  }
}
