package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells which nodes were removed or drained, at most a second after another process did so. Runs on
 * the actor system's threads, one call at a time, until that ends.
 */
public final class ExclusionWatch implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(ExclusionWatch.class);
  private static final Duration INTERVAL = Duration.ofSeconds(1);

  private final NodeRegister nodes;
  private final Consumer<NodeRegister.Excluded> listener;
  private volatile NodeRegister.Excluded told = NodeRegister.Excluded.NONE;

  private ExclusionWatch(NodeRegister nodes, Consumer<NodeRegister.Excluded> listener) {
    this.nodes = nodes;
    this.listener = listener;
  }

  /** Tells them if there are any, and whenever others are; the listener must be quick. */
  public static void start(
      ActorSystem<?> system, NodeRegister nodes, Consumer<NodeRegister.Excluded> listener) {
    ExclusionWatch watch = new ExclusionWatch(nodes, listener);
    watch.run();
    system.scheduler().scheduleWithFixedDelay(INTERVAL, INTERVAL, watch, system.executionContext());
  }

  @Override
  public void run() {
    try {
      NodeRegister.Excluded excluded = nodes.excluded();
      if (!excluded.equals(told)) {
        told = excluded;
        listener.accept(excluded);
      }
    } catch (IOException e) {
      LOG.error("cannot read which nodes were removed or drained: {}", e.getMessage());
    }
  }
}
