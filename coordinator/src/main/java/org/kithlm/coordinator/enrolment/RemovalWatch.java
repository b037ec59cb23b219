package org.kithlm.coordinator.enrolment;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.pekko.actor.typed.ActorSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells which nodes were removed, at most a second after another process did so. Runs on the actor
 * system's threads, one call at a time, until that ends.
 */
public final class RemovalWatch implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(RemovalWatch.class);
  private static final Duration INTERVAL = Duration.ofSeconds(1);

  private final NodeRegister nodes;
  private final Consumer<Set<String>> listener;
  private volatile Set<String> told = Set.of();

  private RemovalWatch(NodeRegister nodes, Consumer<Set<String>> listener) {
    this.nodes = nodes;
    this.listener = listener;
  }

  /**
   * Tells the ids of removed nodes, now and whenever there are more; the listener must be quick.
   */
  public static void start(
      ActorSystem<?> system, NodeRegister nodes, Consumer<Set<String>> listener) {
    RemovalWatch watch = new RemovalWatch(nodes, listener);
    watch.run();
    system.scheduler().scheduleWithFixedDelay(INTERVAL, INTERVAL, watch, system.executionContext());
  }

  @Override
  public void run() {
    try {
      Set<String> removed = nodes.removedIds();
      if (!removed.equals(told)) {
        told = removed;
        listener.accept(removed);
      }
    } catch (IOException e) {
      LOG.error("cannot read which nodes were removed: {}", e.getMessage());
    }
  }
}
