package org.kithlm.node.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.stream.StreamSupport;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.event.EventStream;
import org.apache.pekko.remote.FailureDetector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who leaves when links break: two processes over loopback, whose failure detectors lie. */
class CoordinatorWinsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Those whose peers look as if they were out of reach. */
  private static final Set<String> BLIND = ConcurrentHashMap.newKeySet();

  private final ActorTestKit coordinator = kit(ClusterSettings.COORDINATOR_ROLE);
  private final ActorTestKit node = kit(ClusterSettings.NODE_ROLE);
  private final TestProbe<Object> probe = coordinator.createTestProbe();

  /** Sees what the test says; made by Pekko. */
  public static final class TestDetector implements FailureDetector {
    private final String role;
    private volatile boolean monitors;

    /** The settings name the role of its process. */
    public TestDetector(Config settings, EventStream events) {
      role = settings.getString("role");
    }

    @Override
    public boolean isAvailable() {
      return !BLIND.contains(role);
    }

    @Override
    public boolean isMonitoring() {
      return monitors;
    }

    @Override
    public void heartbeat() {
      monitors = true;
    }
  }

  private static ActorTestKit kit(String role) {
    Config test =
        ConfigFactory.parseMap(
            Map.of(
                "pekko.remote.artery.transport",
                "tcp",
                "pekko.cluster.failure-detector.implementation-class",
                TestDetector.class.getName(),
                "pekko.cluster.failure-detector.role",
                role));
    return ActorTestKit.create(
        ClusterSettings.SYSTEM, test.withFallback(ClusterSettings.of("127.0.0.1", 0, role)));
  }

  private static Cluster cluster(ActorTestKit kit) {
    ActorSystem system = kit.system().classicSystem();
    return Cluster.get(system);
  }

  /** How many members one sees that are up. */
  private static long upCount(ActorTestKit kit) {
    return StreamSupport.stream(cluster(kit).state().getMembers().spliterator(), false)
        .filter(member -> member.status().equals(MemberStatus.up()))
        .count();
  }

  private void await(String what, BooleanSupplier condition) {
    probe.awaitAssert(
        PATIENCE,
        Duration.ofMillis(50),
        () -> {
          if (!condition.getAsBoolean()) {
            throw new AssertionError("not yet: " + what);
          }
          return what;
        });
  }

  private void form() {
    Address address = cluster(coordinator).selfAddress();
    cluster(coordinator).join(address);
    cluster(node).join(address);
    await("both are up", () -> upCount(coordinator) == 2 && upCount(node) == 2);
  }

  @AfterEach
  void stop() {
    node.shutdownTestKit();
    coordinator.shutdownTestKit();
    BLIND.clear();
  }

  @Test
  void shouldTakeOutWhomTheCoordinatorDoesNotReach() {
    form();
    BLIND.add(ClusterSettings.COORDINATOR_ROLE);
    await("the node is out", () -> upCount(coordinator) == 1);
    await("the node knows", () -> cluster(node).isTerminated());
    assertFalse(cluster(coordinator).isTerminated());
  }

  /** The link is back for one side and not yet for the other. */
  @Test
  void shouldTakeOutTheNodeThatAloneSeesItsLinkBroken() {
    form();
    BLIND.add(ClusterSettings.NODE_ROLE);
    await("the node gives up", () -> cluster(node).isTerminated());
    assertFalse(cluster(coordinator).isTerminated());
    BLIND.add(ClusterSettings.COORDINATOR_ROLE); // as the node's heartbeats have ended
    await("the coordinator goes on alone", () -> upCount(coordinator) == 1);
    assertEquals(MemberStatus.up(), cluster(coordinator).selfMember().status());
  }

  @Test
  void shouldTakeOutTheNodeThatBothSeeCutOff() {
    form();
    BLIND.addAll(Set.of(ClusterSettings.COORDINATOR_ROLE, ClusterSettings.NODE_ROLE));
    await("the node gives up", () -> cluster(node).isTerminated());
    await("the coordinator goes on alone", () -> upCount(coordinator) == 1);
    assertFalse(cluster(coordinator).isTerminated());
  }
}
