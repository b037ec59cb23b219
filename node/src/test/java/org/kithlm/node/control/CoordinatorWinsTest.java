package org.kithlm.node.control;

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
import org.apache.pekko.remote.FailureDetectorWithAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who leaves when links break: three processes over loopback, whose failure detectors lie. */
class CoordinatorWinsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Who does not reach whom, as the name of a process and an address. */
  private static final Set<String> BROKEN = ConcurrentHashMap.newKeySet();

  private final ActorTestKit coordinator = kit("coordinator", ClusterSettings.COORDINATOR_ROLE);
  private final ActorTestKit node = kit("node", ClusterSettings.NODE_ROLE);
  private final ActorTestKit other = kit("other", ClusterSettings.NODE_ROLE);
  private final TestProbe<Object> probe = coordinator.createTestProbe();

  /** Sees what the test says; made by Pekko. */
  public static final class TestDetector implements FailureDetector, FailureDetectorWithAddress {
    private final String name;
    private volatile String address = "";
    private volatile boolean monitors;

    /** The settings name its process. */
    public TestDetector(Config settings, EventStream events) {
      name = settings.getString("name");
    }

    @Override
    public boolean isAvailable() {
      return !BROKEN.contains(link(name, address));
    }

    @Override
    public void setAddress(String observed) {
      address = observed;
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

  private static ActorTestKit kit(String name, String role) {
    Config test =
        ConfigFactory.parseMap(
            Map.of(
                "pekko.remote.artery.transport",
                "tcp",
                "pekko.cluster.failure-detector.implementation-class",
                TestDetector.class.getName(),
                "pekko.cluster.failure-detector.name",
                name));
    return ActorTestKit.create(
        ClusterSettings.SYSTEM, test.withFallback(ClusterSettings.of("127.0.0.1", 0, role)));
  }

  private static String link(String from, String to) {
    return from + " to " + to;
  }

  private static void breakLink(String from, ActorTestKit to) {
    BROKEN.add(link(from, cluster(to).selfAddress().toString()));
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
    cluster(other).join(address);
    await(
        "all are up", () -> upCount(coordinator) == 3 && upCount(node) == 3 && upCount(other) == 3);
  }

  private void assertWithoutNode() {
    await("the node gives up", () -> cluster(node).isTerminated());
    breakLink("coordinator", node); // its heartbeats have ended
    breakLink("other", node);
    await("two go on", () -> upCount(coordinator) == 2 && upCount(other) == 2);
    assertFalse(cluster(coordinator).isTerminated());
    assertFalse(cluster(other).isTerminated());
  }

  @AfterEach
  void stop() {
    node.shutdownTestKit();
    other.shutdownTestKit();
    coordinator.shutdownTestKit();
    BROKEN.clear();
  }

  @Test
  void shouldTakeOutWhomTheCoordinatorDoesNotReach() {
    form();
    breakLink("coordinator", node);
    assertWithoutNode();
  }

  /** As when a link comes back: the other node hands the view of this one on. */
  @Test
  void shouldTakeOutTheNodeThatAloneDoesNotReachTheCoordinator() {
    form();
    breakLink("node", coordinator);
    assertWithoutNode();
  }

  @Test
  void shouldTakeOutTheNodeThatBothSeeCutOff() {
    form();
    breakLink("coordinator", node);
    breakLink("node", coordinator);
    assertWithoutNode();
  }
}
