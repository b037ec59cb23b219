package org.kithlm.node.control;

import java.time.Duration;
import org.apache.pekko.actor.AbstractActorWithTimers;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.Props;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.DowningProvider;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.remote.artery.ThisActorSystemQuarantinedEvent;
import scala.Option;
import scala.concurrent.duration.FiniteDuration;

/**
 * Decides who leaves the cluster when links break; {@code kith-cluster.conf} names it. The
 * coordinator takes out whom it does not reach, a node that does not reach the coordinator takes
 * itself out, and nobody else's view counts. Pekko's resolver takes out both ends of a link that
 * only one of them sees broken, as when it is just coming back, and one end may be the coordinator.
 */
public final class CoordinatorWins extends DowningProvider {
  /** A provider; called by Pekko. */
  public CoordinatorWins(ActorSystem system) {
    super();
  }

  @Override
  public FiniteDuration downRemovalMargin() {
    return scala.concurrent.duration.Duration.Zero(); // nothing moves to others with a node
  }

  @Override
  public Option<Props> downingActorProps() {
    return Option.apply(Props.create(Judge.class, Judge::new));
  }

  /** Gives a member that is not reached some time to come back. */
  private static final class Judge extends AbstractActorWithTimers {
    private static final Duration GRACE = Duration.ofSeconds(2);

    private record GraceEnded(Member member) {}

    private final Cluster cluster = Cluster.get(getContext().getSystem());
    private final boolean leads = cluster.getSelfRoles().contains(ClusterSettings.COORDINATOR_ROLE);

    @Override
    public void preStart() {
      cluster.subscribe(
          getSelf(), ClusterEvent.initialStateAsEvents(), ClusterEvent.ReachabilityEvent.class);
      getContext()
          .getSystem()
          .eventStream()
          .subscribe(getSelf(), ThisActorSystemQuarantinedEvent.class);
    }

    @Override
    public void postStop() {
      cluster.unsubscribe(getSelf());
      getContext().getSystem().eventStream().unsubscribe(getSelf());
    }

    @Override
    public Receive createReceive() {
      return receiveBuilder()
          .match(ClusterEvent.UnreachableMember.class, event -> onUnreachable(event.member()))
          .match(
              ClusterEvent.ReachableMember.class,
              event -> getTimers().cancel(event.member().uniqueAddress()))
          .match(GraceEnded.class, event -> onGraceEnded(event.member()))
          .match(ThisActorSystemQuarantinedEvent.class, event -> onShutOut())
          .build();
    }

    /** Somebody took this process out while it was away. */
    private void onShutOut() {
      if (!leads) {
        cluster.down(cluster.selfAddress());
      }
    }

    /** Somebody does not reach a member. */
    private void onUnreachable(Member member) {
      boolean counts =
          leads
              ? !member.address().equals(cluster.selfAddress())
              : member.hasRole(ClusterSettings.COORDINATOR_ROLE);
      if (counts) {
        startGrace(member);
      }
    }

    private void startGrace(Member member) {
      getTimers().startSingleTimer(member.uniqueAddress(), new GraceEnded(member), GRACE);
    }

    private void onGraceEnded(Member member) {
      if (!cluster.state().getUnreachable().contains(member)) {
        return; // it has left meanwhile
      }
      Address address = member.address();
      if (cluster.failureDetector().isAvailable(address)) {
        startGrace(member); // another one's view, which may become ours
      } else {
        cluster.down(leads ? address : cluster.selfAddress());
      }
    }
  }
}
