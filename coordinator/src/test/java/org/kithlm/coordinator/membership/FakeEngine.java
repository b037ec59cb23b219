package org.kithlm.coordinator.membership;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.rank.RootRank;

/** An engine that a test completes and asks. */
final class FakeEngine implements RootEngine {
  /** A root that the coordinator handed over. */
  record Activation(
      RootRank rank,
      List<NodeMessage.Peer> peers,
      Consumer<String> onLost,
      CompletableFuture<CollectiveReport> connected) {}

  final BlockingQueue<Activation> activations = new LinkedBlockingQueue<>();
  final BlockingQueue<String> deactivations = new LinkedBlockingQueue<>();
  final BlockingQueue<String> stepFailures = new LinkedBlockingQueue<>();
  final BlockingQueue<Runnable> idleActions = new LinkedBlockingQueue<>();

  @Override
  public CompletionStage<CollectiveReport> activate(
      RootRank rank, List<NodeMessage.Peer> peers, Consumer<String> onLost) {
    Activation activation = new Activation(rank, peers, onLost, new CompletableFuture<>());
    activations.add(activation);
    return activation.connected();
  }

  @Override
  public void deactivate(String reason) {
    deactivations.add(reason);
  }

  @Override
  public void failStep(String reason) {
    stepFailures.add(reason);
  }

  @Override
  public void whenIdle(Runnable action) {
    idleActions.add(action);
  }
}
