package org.kithlm.coordinator.generation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.kithlm.coordinator.membership.RootEngine;
import org.kithlm.model.tokenizer.Tokenizer;
import org.kithlm.node.control.Causes;
import org.kithlm.node.control.CollectiveReport;
import org.kithlm.node.control.NodeMessage;
import org.kithlm.node.rank.RootRank;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns rank 0: it connects each epoch's root, runs one generation at a time and
 * keeps the rest in bounded queues. One of the background gives way to an interactive request
 * within a layer, and goes on later. A generation whose root is lost goes on with the next one. All
 * public methods may be called from any thread.
 */
public final class GenerationEngine implements RootEngine, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GenerationEngine.class);
  private static final long KEEP_ALIVE_MS = 500;
  private static final long CLOSE_TIMEOUT_MS = 5_000;

  /** How long requests wait for the next root, the one that was under way and those queued. */
  private static final long ROOT_TIMEOUT_MS = 60_000;

  /** How long the background waits while interactive requests come first. */
  private static final long TURN_TIMEOUT_MS = 600_000;

  /** Requests wait while later ones are warmed up, and most of the processes are warm. */
  private static final Duration NEXT_WARM_UP =
      Collections.min(List.of(Duration.ofSeconds(8), RootRank.LONGEST_WARM_UP));

  private static final String SHUTDOWN = "the cluster shuts down";

  private final Tokenizer tokenizer;
  private final int contextLength;
  private final long rootTimeoutMs;
  private final long turnTimeoutMs;
  private final Thread thread;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by lock.
  private final WaitingJobs waiting;
  private final ArrayDeque<Runnable> idleActions = new ArrayDeque<>();
  private @Nullable RootSession next;
  private @Nullable RootSession session; // the engine's thread connects it or runs on it
  private boolean connected;
  private @Nullable String deactivation; // why the session is to end
  private String lastEnd = ""; // of a session that was connected
  private long lastEndNs;
  private @Nullable GenerationJob running;
  private @Nullable RecoverableGeneration paused; // waits for the next root
  private @Nullable GenerationClock clock; // of what runs, or ran last
  private @Nullable String stepFailure; // why its step was given up
  private boolean closed;

  /**
   * Starts the thread; it waits for a root.
   *
   * @param contextLength longest prompt plus answer in tokens
   */
  public GenerationEngine(Tokenizer tokenizer, int contextLength) {
    this(tokenizer, contextLength, ROOT_TIMEOUT_MS, TURN_TIMEOUT_MS);
  }

  /**
   * Starts the thread.
   *
   * @param rootTimeoutMs how long requests wait for the next root
   * @param turnTimeoutMs how long the background waits while others come first
   */
  GenerationEngine(Tokenizer tokenizer, int contextLength, long rootTimeoutMs, long turnTimeoutMs) {
    this.tokenizer = tokenizer;
    this.contextLength = contextLength;
    this.rootTimeoutMs = rootTimeoutMs;
    this.turnTimeoutMs = turnTimeoutMs;
    this.waiting = new WaitingJobs(TimeUnit.MILLISECONDS.toNanos(turnTimeoutMs));
    this.thread = Thread.ofPlatform().name("kith-rank-0").daemon().start(this::run);
  }

  @Override
  public CompletionStage<CollectiveReport> activate(
      RootRank rank, List<NodeMessage.Peer> peers, Consumer<String> onLost) {
    RootSession added = new RootSession(rank, peers, onLost);
    lock.lock();
    try {
      if (next != null) {
        throw new IllegalStateException("a root waits to be activated already");
      }
      if (!closed) {
        next = added;
        changed.signalAll();
        return added.connected();
      }
    } finally {
      lock.unlock();
    }
    added.discard(SHUTDOWN);
    return added.connected();
  }

  @Override
  public void deactivate(String reason) {
    RootSession waiting;
    lock.lock();
    try {
      waiting = next;
      next = null;
      if (session != null) {
        deactivation = reason;
        session.rank().fail(new IllegalStateException(reason));
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (waiting != null) {
      waiting.discard(reason);
    }
  }

  @Override
  public void failStep(String reason) {
    lock.lock();
    try {
      if (running != null && session != null) {
        stepFailure = reason;
        session.rank().abort();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void whenIdle(Runnable action) {
    locked(() -> idleActions.add(action));
  }

  /** Whether a root is active. */
  public boolean isReady() {
    lock.lock();
    try {
      return connected && deactivation == null;
    } finally {
      lock.unlock();
    }
  }

  /** What the engine does, as far as it is known without waiting for it. */
  public EngineStatus status() {
    // Under the lock nobody closes the rank that the clock and we ask.
    lock.lock();
    try {
      return new EngineStatus(
          waiting.size(),
          clock == null ? null : clock.timing(),
          connected && session != null ? session.rank().statistics() : null);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Queues a request whose prompt fits the context. If the root is lost before its turn, or was
   * just before, it waits for the next one; it is refused a minute after the loss. One of the
   * background waits while interactive ones come first, for ten minutes at most between two tokens.
   *
   * @throws GenerationRefusedException if the queue is full, or no root is active nor was within
   *     the last minute
   */
  public Generation submit(GenerationRequest request, GenerationListener listener) {
    lock.lock();
    try {
      if (closed || !(connected || mayComeBack())) {
        throw new GenerationRefusedException(
            GenerationRefusedException.Reason.NOT_READY,
            "waiting for nodes or for a new plan; try again in a few seconds");
      }
      GenerationJob job = new GenerationJob(request, listener, this::cancel);
      waiting.add(job);
      GenerationJob current = running;
      if (job.isInteractive() && current != null && !current.isInteractive() && session != null) {
        current.giveWay();
        session.rank().abort();
      }
      changed.signalAll();
      return job;
    } finally {
      lock.unlock();
    }
  }

  /** Whether the wait for the next root is not over yet. Holds the lock. */
  private boolean mayComeBack() {
    return !lastEnd.isEmpty()
        && System.nanoTime() - lastEndNs < TimeUnit.MILLISECONDS.toNanos(rootTimeoutMs);
  }

  /** Aborts the step under way if it belongs to the job, and takes the job out of the queue. */
  private void cancel(GenerationJob job) {
    Runnable farewell;
    lock.lock();
    try {
      farewell = waiting.remove(job);
      if (running == job && session != null) {
        session.rank().abort();
      }
      changed.signalAll(); // it may be the one that waits for a root
    } finally {
      lock.unlock();
    }
    if (farewell != null) {
      farewell.run();
    }
  }

  /** Ends all generations, running and queued, and the thread. */
  @Override
  public void close() {
    locked(() -> closed = true);
    deactivate(SHUTDOWN);
    refuseWaiting(SHUTDOWN);
    try {
      thread.join(CLOSE_TIMEOUT_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void refuseWaiting(String message) {
    List<Runnable> farewells;
    lock.lock();
    try {
      farewells = waiting.removeAll(message);
    } finally {
      lock.unlock();
    }
    farewells.forEach(Runnable::run);
  }

  private void run() {
    while (true) {
      Runnable work = awaitWork();
      if (work == null) {
        break;
      }
      try {
        work.run();
      } catch (RuntimeException | Error e) { // e.g. of an idle action; this thread must go on
        LOG.error("rank 0's thread goes on after a failure", e);
      }
    }
    endSession(SHUTDOWN);
    RecoverableGeneration left = paused; // no other thread writes it
    if (left != null) {
      left.run.fail(SHUTDOWN);
    }
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
        RootSession fresh = next;
        if (fresh != null && session == null) {
          next = null;
          session = fresh;
          return () -> connect(fresh);
        }
        RootSession current = session;
        if (paused != null) { // it is not over, so all others wait
          Runnable work = workOn(paused, current);
          if (work != null) {
            return work;
          }
        } else if (!idleActions.isEmpty()) {
          return idleActions.removeFirst();
        } else if (waiting.size() > 0) {
          if (current != null) {
            return nextOf(current);
          }
          if (!mayComeBack()) {
            String message = noRootMessage();
            return () -> refuseWaiting(message);
          }
        }
        if (!changed.await(KEEP_ALIVE_MS, TimeUnit.MILLISECONDS) && current != null) {
          return () -> keepAlive(current);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** What to do for those that wait for their turn. Holds the lock. */
  private Runnable nextOf(RootSession current) {
    List<Runnable> starved = waiting.removeStarved();
    if (!starved.isEmpty()) {
      return () -> starved.forEach(Runnable::run);
    }
    RecoverableGeneration setAside = waiting.pollSetAside();
    if (setAside != null) {
      long pauseNs = setAside.forTurn.end(System.nanoTime());
      takeTurn(setAside.job);
      return () -> resume(current, setAside, pauseNs);
    }
    GenerationJob job = Objects.requireNonNull(waiting.poll());
    takeTurn(job);
    return () -> begin(current, job);
  }

  /** Holds the lock. */
  private void takeTurn(GenerationJob job) {
    running = job;
    stepFailure = null;
    job.takeTurn();
    if (!job.isInteractive() && waiting.hasInteractive()) {
      job.giveWay(); // it has waited for a root, and the other came meanwhile
    }
  }

  /** What to do with a generation that waits; null while that is nothing. Holds the lock. */
  private @Nullable Runnable workOn(
      RecoverableGeneration generation, @Nullable RootSession current) {
    if (generation.job.isCancelled()) {
      paused = null;
      return generation.run::drop;
    }
    if (current != null) {
      paused = null;
      long pauseNs = generation.forRanks.end(System.nanoTime());
      takeTurn(generation.job);
      return () -> resume(current, generation, pauseNs);
    }
    if (generation.forRanks.isOver(System.nanoTime())) {
      paused = null;
      String message = noRootMessage();
      return () -> generation.run.fail(message);
    }
    return null;
  }

  private String noRootMessage() {
    return "the cluster was not ready again within %d s; it ended with: %s"
        .formatted(rootTimeoutMs / 1000, lastEnd);
  }

  private void connect(RootSession fresh) {
    CollectiveReport sums;
    try {
      sums = fresh.rank().connect(fresh.peers(), warmUp());
    } catch (RuntimeException | Error e) {
      endSession(Causes.message(e));
      fresh.connected().completeExceptionally(e);
      return;
    }
    locked(() -> connected = deactivation == null);
    String reason = deactivationReason();
    if (reason == null) {
      fresh.connected().complete(sums);
    } else {
      fresh.connected().completeExceptionally(new IllegalStateException(reason));
    }
  }

  /** None where a request waits that other ranks have begun. */
  private Duration warmUp() {
    lock.lock();
    try {
      if (paused != null) {
        return Duration.ZERO;
      }
      return lastEnd.isEmpty() ? RootRank.LONGEST_WARM_UP : NEXT_WARM_UP;
    } finally {
      lock.unlock();
    }
  }

  private void keepAlive(RootSession current) {
    try {
      current.rank().keepAlive();
    } catch (RuntimeException | Error e) {
      sessionFailed(current, Causes.message(e));
    }
  }

  private void begin(RootSession current, GenerationJob job) {
    GenerationRun run;
    try {
      run = new GenerationRun(current.cachingRank(), tokenizer, contextLength, job);
    } catch (GenerationRefusedException e) {
      locked(() -> running = null);
      job.refuse(Causes.message(e));
      return;
    } catch (RuntimeException | Error e) { // no memory, say
      locked(() -> running = null);
      job.fail(Causes.message(e));
      return;
    }
    generate(
        current,
        new RecoverableGeneration(
            job,
            run,
            TimeUnit.MILLISECONDS.toNanos(rootTimeoutMs),
            TimeUnit.MILLISECONDS.toNanos(turnTimeoutMs)));
  }

  /** Goes on with what gave way, or lost its ranks. */
  private void resume(RootSession current, RecoverableGeneration generation, long pauseNs) {
    try {
      generation.run.resume(current.cachingRank());
    } catch (GenerationRefusedException e) { // the chat has grown meanwhile
      locked(() -> running = null);
      generation.run.fail(Causes.message(e));
      return;
    }
    LOG.info(
        "the generation goes on after {} ms; {} tokens are run again",
        TimeUnit.NANOSECONDS.toMillis(pauseNs),
        generation.run.tokensToRun());
    generate(current, generation);
  }

  private void generate(RootSession current, RecoverableGeneration generation) {
    locked(() -> clock = generation.run.clock());
    boolean over = true;
    try {
      over = generation.run.run();
    } catch (RankFailedException e) {
      String reason = stepFailureReason();
      if (reason == null) {
        pause(current, generation, Causes.message(e.getCause()));
      } else {
        LOG.warn("generation failed; the ranks go on: {}", reason);
        generation.run.fail(reason);
      }
    } catch (Error e) { // no memory, say: the ranks may be in the middle of a step
      LOG.error("rank 0 failed", e);
      String message = Causes.message(e);
      sessionFailed(current, message);
      generation.job.fail(message);
    } catch (RuntimeException e) {
      LOG.warn("generation failed; the ranks go on", e);
      current.cachingRank().forget(); // NaN, say, would fail each turn of this chat again
      generation.job.fail(Causes.message(e));
    } finally {
      endTurn(over ? null : generation);
    }
  }

  /**
   * Nothing runs any more.
   *
   * @param gaveWay what goes on later, null for nothing
   */
  private void endTurn(@Nullable RecoverableGeneration gaveWay) {
    boolean cancelled;
    lock.lock();
    try {
      running = null;
      cancelled = gaveWay != null && gaveWay.job.isCancelled();
      if (gaveWay != null && !cancelled) {
        waiting.setAside(gaveWay);
      }
    } finally {
      lock.unlock();
    }
    if (gaveWay != null && cancelled) {
      gaveWay.run.drop();
    }
  }

  /** Keeps a generation for the root that comes after a lost one. */
  private void pause(RootSession lost, RecoverableGeneration generation, String failure) {
    String deactivated = deactivationReason();
    String reason = deactivated != null ? deactivated : failure;
    LOG.warn("the generation waits for the next plan: {}", reason);
    locked(
        () -> {
          generation.forRanks.begin(System.nanoTime(), generation.run.clock().completionTokens());
          paused = generation;
        });
    sessionFailed(lost, reason);
  }

  private @Nullable String stepFailureReason() {
    lock.lock();
    try {
      return deactivation == null ? stepFailure : null;
    } finally {
      lock.unlock();
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

  private void sessionFailed(RootSession failed, String reason) {
    boolean byItself = deactivationReason() == null;
    endSession(reason);
    if (byItself) {
      failed.onLost().accept(reason);
    }
  }

  private void endSession(String reason) {
    RootSession ended;
    lock.lock();
    try {
      ended = session;
      session = null;
      deactivation = null;
      if (connected) { // a root that could not connect gives queued requests no more time
        connected = false;
        lastEnd = reason;
        lastEndNs = System.nanoTime();
      }
    } finally {
      lock.unlock();
    }
    if (ended != null) {
      LOG.info("rank 0 ends its session: {}", reason);
      ended.close();
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
