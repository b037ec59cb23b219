package org.kithlm.node.rank;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.kithlm.memory.TileReadException;
import org.kithlm.model.transformer.KvCache;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.LeafRank;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankAssignment;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.kv.KvStore;
import org.kithlm.transport.DataPort;
import org.kithlm.transport.StepAbortedException;
import org.kithlm.transport.StepHeader;
import org.kithlm.transport.collective.LeafSession;

/**
 * A leaf: waits for steps and runs them, on a thread of its own. The methods may be called from any
 * thread.
 */
public final class SessionLeafRank implements LeafRank {
  private static final long STEP_WAIT_NS = TimeUnit.SECONDS.toNanos(1);

  /** How soon to look again whether there is room for pages that are to be kept on disk. */
  private static final long BEHIND_NS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final float[] NO_LOGITS = {}; // the root has them

  private static final long IDLE_NS = TimeUnit.MILLISECONDS.toNanos(500);

  private final RankAssignment assignment;
  private final RankCompute compute;
  private final DataPort port;
  private final int portNumber;
  private volatile boolean closed;
  private volatile boolean stepping;
  private volatile long lastStepNs = System.nanoTime(); // when it ended
  private volatile @Nullable LeafSession session;
  private @Nullable Thread thread; // guarded by this

  /**
   * A loaded leaf. It takes the weights over, and closes them also where it cannot be made.
   *
   * @param host address that its data plane listens at
   * @param store takes keys and values, null for none
   * @param threads for the arithmetic, the rank's own included
   */
  public SessionLeafRank(
      RankWeights weights,
      RankAssignment assignment,
      String host,
      @Nullable KvStore store,
      int threads) {
    this.assignment = assignment;
    this.compute = RankCompute.of(weights, assignment, store, threads, threads);
    try {
      this.port = DataPort.reserve(host, 0);
    } catch (RuntimeException e) {
      compute.close();
      throw e;
    }
    this.portNumber = port.port();
  }

  @Override
  public int dataPort() {
    return portNumber;
  }

  @Override
  public int maxTokens() {
    return compute.maxTokens();
  }

  @Override
  public synchronized void start(List<NodeMessage.Peer> peers, Listener listener) {
    if (closed || thread != null) {
      return;
    }
    thread =
        Thread.ofPlatform()
            .name("kith-rank-" + assignment.rank())
            .daemon()
            .start(() -> run(peers, listener));
  }

  @Override
  public boolean isIdle() {
    return !stepping && System.nanoTime() - lastStepNs >= IDLE_NS;
  }

  @Override
  public RankStatistics statistics() {
    return compute.statistics();
  }

  @Override
  public synchronized void close() {
    closed = true;
    LeafSession open = session;
    if (open != null) {
      open.fail(new IllegalStateException("rank " + assignment.rank() + " is closed"));
    }
    if (thread == null) {
      free();
    }
  }

  private void run(List<NodeMessage.Peer> peers, Listener listener) {
    try {
      serve(peers, listener);
    } catch (RuntimeException | Error e) { // also without memory the coordinator must hear of it
      if (!closed) {
        listener.onFailed(Causes.message(e));
      }
    } finally {
      free();
    }
  }

  private void serve(List<NodeMessage.Peer> peers, Listener listener) {
    port.close();
    try (LeafSession leaf =
        new LeafSession(
            SessionConfigs.of(
                assignment, peers, compute.maxFloats(SessionConfigs.maxTokens(peers))))) {
      session = leaf;
      if (!closed) { // else close() came before there was a session to end
        leaf.connect();
        listener.onConnected();
        serve(leaf, listener);
      }
    }
  }

  private void serve(LeafSession leaf, Listener listener) {
    compute.connect(new SessionSums(leaf::allreduce, leaf::allgather), leaf::gather);
    float[] hidden = new float[compute.maxFloats()];
    int words = compute.embeddingRows().wordsPerRow();
    StepRuns runs = new StepRuns();
    while (!closed) {
      boolean behind = compute.pages().isBehind();
      StepHeader step = leaf.awaitStep(hidden, behind ? BEHIND_NS : STEP_WAIT_NS);
      if (step == null) {
        compute.pages().save();
      } else {
        stepping = true;
        try {
          if (PageFields.areIn(step, words)) {
            follow(step.startPosition(), PageFields.read(step, hidden));
          } else {
            RunFields.read(step, hidden, words, runs);
            compute.embed(hidden, runs.tokenCount());
            compute.forward(hidden, runs);
            compute.logits(hidden, runs, NO_LOGITS);
          }
        } catch (StepAbortedException e) {
          compute.tiles().rewind(); // the root gave the step up; wait for the next one
        } catch (TileReadException e) {
          compute.tiles().rewind(); // the disk may do better in the next step
          listener.onStepFailed(Causes.message(e));
        } finally {
          lastStepNs = System.nanoTime();
          stepping = false;
        }
      }
    }
  }

  private void follow(int position, PageFields.Message pages) {
    switch (pages.verb()) {
      case KEEP -> compute.pages().keep(position / KvCache.PAGE_POSITIONS, pages.names());
      case RESTORE -> compute.restore(position, pages.names());
    }
  }

  private void free() {
    port.close();
    compute.close();
  }
}
