package org.kithlm.model.kernel;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Daemon threads that wait for the next piece of work: briefly spinning, as the next matrix is
 * often microseconds away, then parked, so that an idle pool costs nothing. Whoever comes first
 * claims a part; a part whose thread has not woken by the time the caller is done with its own is
 * done by the caller, so a slow wake-up delays nothing. Running a piece of work allocates nothing.
 *
 * <p>Owned by the thread that calls {@link #run}; a part must not call it.
 */
public final class WorkerPool implements Workers {
  /**
   * How long to spin where every thread has a core and others are free: longer than what one thread
   * does alone between two matrices, as a thread that has parked takes some 50 us to wake and so
   * misses the next one.
   */
  private static final long SPIN_NS = 500_000;

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final Worker[] workers;
  private final @Nullable Throwable[] failures;
  private final long spinNs;
  private final AtomicInteger unfinished = new AtomicInteger();
  private @Nullable Part part;
  private @Nullable Thread caller;
  private volatile boolean callerParked;
  private volatile boolean closed;

  /** Numbers the pieces of work; a new one tells the threads that the fields above are set. */
  private volatile int round;

  private WorkerPool(int threads) {
    spinNs = spinNs(threads, Runtime.getRuntime().availableProcessors());
    workers = new Worker[threads - 1];
    failures = new Throwable[threads];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
    }
    for (Worker worker : workers) {
      worker.thread.start();
    }
  }

  /**
   * Starts the threads.
   *
   * @param threads the caller's included
   * @throws IllegalArgumentException if fewer than 1
   */
  public static Workers of(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads=" + threads + " must be at least 1");
    }
    return threads == 1 ? Workers.alone() : new WorkerPool(threads);
  }

  /**
   * Less where no core is left for others, as whom we wait for may need ours; none where threads
   * share cores.
   */
  static long spinNs(int threads, int processors) {
    if (threads < processors) {
      return SPIN_NS;
    }
    return threads == processors ? SPIN_NS / 2 : 0;
  }

  @Override
  public int count() {
    return workers.length + 1;
  }

  @Override
  public void run(Part work) {
    if (closed) {
      throw new IllegalStateException("the worker pool is closed");
    }
    if (part != null) {
      throw new IllegalStateException("a part of a piece of work cannot run another");
    }
    part = work;
    caller = Thread.currentThread();
    unfinished.set(count());
    int current = round + 1;
    round = current;
    for (Worker worker : workers) {
      worker.wake();
    }
    runPart(work, 0);
    for (Worker worker : workers) {
      if (worker.claim(current)) {
        runPart(work, worker.index);
      }
    }
    awaitFinish();
    part = null;
    throwFailure();
  }

  private void runPart(Part work, int index) {
    try {
      work.run(index, count());
    } catch (Throwable e) { // the caller's to handle, when all parts have ended
      failures[index] = e;
    }
    if (unfinished.decrementAndGet() == 0 && callerParked) {
      LockSupport.unpark(caller);
    }
  }

  /** Parts end, as threads survive what they throw: no deadline is needed. */
  private void awaitFinish() {
    long start = System.nanoTime();
    while (unfinished.get() != 0) {
      if (System.nanoTime() - start >= spinNs) {
        parkUntilFinish();
        return;
      }
      spinOnce();
    }
  }

  /**
   * Gives the core away if another thread waits for it, which may be the one that we wait for:
   * spinning on, the two threads of a busy 2-core machine were seen to wait for each other on one
   * core for the whole spin.
   */
  @SuppressWarnings("ThreadPriorityCheck") // any scheduler will do: it is a matter of speed only
  private static void spinOnce() {
    Thread.yield();
  }

  private void parkUntilFinish() {
    boolean interrupted = false;
    callerParked = true;
    while (unfinished.get() != 0) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    callerParked = false;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Throws the failure of the first part that has one; the others are suppressed in it. */
  private void throwFailure() {
    Throwable first = null;
    for (int i = 0; i < failures.length; i++) {
      Throwable failure = failures[i];
      failures[i] = null;
      if (first == null) {
        first = failure;
      } else if (failure != null && !failure.equals(first)) {
        first.addSuppressed(failure);
      }
    }
    switch (first) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException("a part threw a checked exception", first);
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      LockSupport.unpark(worker.thread);
    }
    for (Worker worker : workers) {
      try {
        worker.thread.join(CLOSE_TIMEOUT);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // the threads end all the same
        return;
      }
    }
  }

  private final class Worker {
    private final int index;
    private final Thread thread;
    private final AtomicInteger claimedRound = new AtomicInteger();
    private volatile boolean parked;

    Worker(int index) {
      this.index = index;
      thread = Thread.ofPlatform().daemon().name("kith-worker-" + index).unstarted(this::work);
    }

    /** Either the thread sees the new round before it parks, or we see that it is to park. */
    void wake() {
      if (parked) {
        LockSupport.unpark(thread);
      }
    }

    /** Whether the part of that round is now the calling thread's to do. */
    boolean claim(int current) {
      return claimedRound.compareAndSet(current - 1, current);
    }

    private void work() {
      int seen = 0;
      while (awaitRound(seen)) {
        seen = round;
        Part work = claim(seen) ? part : null;
        if (work != null) {
          runPart(work, index);
        }
      }
    }

    /** Whether there is a round after the given one; false at the end of the pool. */
    private boolean awaitRound(int seen) {
      long start = System.nanoTime();
      while (round == seen && !closed) {
        if (System.nanoTime() - start >= spinNs) {
          parked = true;
          while (round == seen && !closed) {
            LockSupport.park(WorkerPool.this);
            Thread.interrupted(); // nobody interrupts us for a reason, and park would not wait
          }
          parked = false;
        } else {
          spinOnce();
        }
      }
      return !closed;
    }
  }
}
