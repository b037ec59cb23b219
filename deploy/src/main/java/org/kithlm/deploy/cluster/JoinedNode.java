package org.kithlm.deploy.cluster;

import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.typed.ActorSystem;
import org.kithlm.node.control.Calibrator;
import org.kithlm.node.control.ClusterSettings;
import org.kithlm.node.control.LeafRankLoader;
import org.kithlm.node.control.NodeActor;
import org.kithlm.node.control.NodeEnd;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.NodeSettings;
import org.kithlm.node.control.ProcessCheck;
import org.kithlm.node.control.WeightKeeper;
import org.kithlm.node.security.ClusterTls;

/** A node from its admission to the end of its time in a cluster. Thread-safe. */
public final class JoinedNode implements AutoCloseable {
  private static final long LEAVE_SECONDS = 2;

  private final ActorSystem<NodeMessage> system;
  private final CompletableFuture<NodeEnd> end;

  private JoinedNode(ActorSystem<NodeMessage> system, CompletableFuture<NodeEnd> end) {
    this.system = system;
    this.end = end;
  }

  /** Starts it; it joins by itself. */
  public static JoinedNode start(
      NodeSettings settings,
      ClusterTls tls,
      LeafRankLoader loader,
      Calibrator calibrator,
      WeightKeeper keeper) {
    CompletableFuture<NodeEnd> end = new CompletableFuture<>();
    InetSocketAddress coordinator =
        InetSocketAddress.createUnresolved(settings.coordinatorHost(), settings.coordinatorPort());
    ProcessCheck check =
        new ProcessCheck(
            gone ->
                end.complete(
                    new NodeEnd(
                        NodeEnd.Kind.COORDINATOR_LOST,
                        "the coordinator at "
                            + settings.coordinatorHost()
                            + ":"
                            + settings.coordinatorPort()
                            + " is gone")));
    tls.onClosed(
        closed -> {
          if (closed.equals(coordinator)) {
            check.start(closed);
          }
        });
    ActorSystem<NodeMessage> system =
        ActorSystem.create(
            NodeActor.create(settings, loader, calibrator, keeper, end),
            ClusterSettings.SYSTEM,
            ClusterSettings.setup(
                ClusterSettings.of(settings.host(), 0, ClusterSettings.NODE_ROLE), tls));
    return new JoinedNode(system, end);
  }

  /** Waits for its end. */
  public NodeEnd awaitEnd() throws InterruptedException {
    try {
      return end.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // nobody completes it so
    }
  }

  /** Ends it; the first reason stands. */
  public void end(NodeEnd reason) {
    end.complete(reason);
  }

  /** Waits a little, so that the coordinator hears of it. */
  @Override
  public void close() {
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(LEAVE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // Then the coordinator finds out by itself.
    }
  }
}
