package org.kithlm.coordinator.generation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.RootEngine;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns rank 0: it connects each epoch's root, runs one generation at a time and
 * keeps the rest in a bounded queue. All public methods may be called from any thread.
 */
public final class GenerationEngine implements RootEngine, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GenerationEngine.class);
  private static final int MAX_QUEUED = 16;
  private static final long KEEP_ALIVE_MS = 500;
  private static final long CLOSE_TIMEOUT_MS = 5_000;

  private record Activation(
      RootRank rank,
      List<NodeMessage.Peer> peers,
      Consumer<String> onLost,
      CompletableFuture<Void> done) {}

  private final Tokenizer tokenizer;
  private final int contextLength;
  private final Thread thread;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by lock.
  private final ArrayDeque<GenerationJob> queue = new ArrayDeque<>();
  private final List<Runnable> idleActions = new ArrayList<>();
  private @Nullable Activation next;
  private @Nullable Activation active;
  private @Nullable GenerationJob running;
  private @Nullable String deactivation;
  private boolean closed;

  /**
   * Starts the thread; it waits for a root.
   *
   * @param contextLength longest prompt plus answer in tokens
   */
  public GenerationEngine(Tokenizer tokenizer, int contextLength) {
    this.tokenizer = tokenizer;
    this.contextLength = contextLength;
    this.thread = Thread.ofPlatform().name("kith-rank-0").daemon().start(this::run);
  }

  @Override
  public CompletionStage<Void> activate(
      RootRank rank, List<NodeMessage.Peer> peers, Consumer<String> onLost) {
    Activation activation = new Activation(rank, peers, onLost, new CompletableFuture<>());
    locked(
        () -> {
          if (next != null) {
            throw new IllegalStateException("a root waits to be activated already");
          }
          next = activation;
        });
    return activation.done();
  }

  @Override
  public void deactivate(String reason) {
    locked(
        () -> {
          if (next != null) {
            next.rank().fail(new IllegalStateException(reason));
          }
          if (active != null) {
            deactivation = reason;
            active.rank().fail(new IllegalStateException(reason));
          }
        });
  }

  @Override
  public void whenIdle(Runnable action) {
    locked(() -> idleActions.add(action));
  }

  /** Whether a root is active. */
  public boolean isReady() {
    lock.lock();
    try {
      return active != null && deactivation == null;
    } finally {
      lock.unlock();
    }
  }

  /** What rank 0 has used in this epoch, or null while there is none. */
  public @Nullable RankStatistics statistics() {
    lock.lock();
    try {
      return active == null ? null : active.rank().statistics();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Queues a request whose prompt fits the context.
   *
   * @throws GenerationRefusedException if the queue is full or no root is active
   */
  public Generation submit(GenerationRequest request, GenerationListener listener) {
    lock.lock();
    try {
      if (closed || active == null) {
        throw new GenerationRefusedException(
            GenerationRefusedException.Reason.NOT_READY,
            "the cluster is not ready; try again in a few seconds");
      }
      if (queue.size() >= MAX_QUEUED) {
        throw new GenerationRefusedException(
            GenerationRefusedException.Reason.QUEUE_FULL,
            "the queue holds " + MAX_QUEUED + " requests already; try again later");
      }
      CancelAction cancel = new CancelAction();
      GenerationJob job = new GenerationJob(request, listener, cancel);
      cancel.job = job;
      queue.add(job);
      changed.signalAll();
      return job;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the running generation and the thread. */
  @Override
  public void close() {
    locked(() -> closed = true);
    deactivate("the cluster shuts down");
    try {
      thread.join(CLOSE_TIMEOUT_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Aborts the step under way if it belongs to the job; a queued job is dropped when its turn
   * comes.
   */
  private final class CancelAction implements Runnable {
    private volatile @Nullable GenerationJob job;

    @Override
    public void run() {
      locked(
          () -> {
            if (running == job && active != null) {
              active.rank().abort();
            }
          });
    }
  }

  private void run() {
    while (true) {
      Runnable work = awaitWork();
      if (work == null) {
        break;
      }
      work.run();
    }
    endSession("the cluster shuts down");
  }

  /** The next thing to do, or null once closed. A session's end comes first, then a new root. */
  private @Nullable Runnable awaitWork() {
    lock.lock();
    try {
      while (true) {
        if (closed) {
          return null;
        }
        String reason = deactivation;
        if (reason != null) {
          return () -> endSession(reason);
        }
        Activation activation = next;
        if (activation != null && active == null) {
          next = null;
          return () -> connect(activation);
        }
        if (!idleActions.isEmpty()) {
          return idleActions.removeFirst();
        }
        Activation session = active;
        if (session != null && !queue.isEmpty()) {
          GenerationJob job = queue.removeFirst();
          running = job;
          return () -> generate(session, job);
        }
        if (!changed.await(KEEP_ALIVE_MS, TimeUnit.MILLISECONDS) && session != null) {
          return () -> keepAlive(session);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      lock.unlock();
    }
  }

  private void connect(Activation activation) {
    try {
      activation.rank().connect(activation.peers());
    } catch (RuntimeException e) {
      activation.rank().close();
      activation.done().completeExceptionally(e);
      return;
    }
    locked(() -> active = activation);
    activation.done().complete(null);
  }

  private void keepAlive(Activation session) {
    try {
      session.rank().keepAlive();
    } catch (RuntimeException e) {
      sessionFailed(session, Causes.message(e));
    }
  }

  private void generate(Activation session, GenerationJob job) {
    try {
      new GenerationRun(session.rank(), tokenizer, contextLength, job).run();
    } catch (RuntimeException e) {
      LOG.warn("generation failed: {}", Causes.message(e));
      String reason = deactivationReason();
      String message = reason != null ? reason : Causes.message(e);
      job.listener.onFailed(message);
      sessionFailed(session, message);
    } finally {
      locked(() -> running = null);
    }
  }

  private @Nullable String deactivationReason() {
    lock.lock();
    try {
      return deactivation;
    } finally {
      lock.unlock();
    }
  }

  private void sessionFailed(Activation session, String reason) {
    boolean byItself = deactivationReason() == null;
    endSession(reason);
    if (byItself) {
      session.onLost().accept(reason);
    }
  }

  private void endSession(String reason) {
    lock.lock();
    try {
      if (active != null) {
        LOG.info("rank 0 ends its session: {}", reason);
        active.rank().close();
        active = null;
      }
      if (closed && next != null) {
        next.rank().close();
        next = null;
      }
      deactivation = null;
    } finally {
      lock.unlock();
    }
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
