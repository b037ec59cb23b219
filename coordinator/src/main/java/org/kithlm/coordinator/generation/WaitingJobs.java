package org.kithlm.coordinator.generation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Requests that wait for their turn: interactive ones first, then what gave way to them, then the
 * background, each in the order in which they came. What leaves it without a turn is told so by a
 * {@link Runnable}, to be run without the lock. Guarded by the engine's lock.
 */
final class WaitingJobs {
  /** Of each priority, so that the background does not keep anybody out. */
  private static final int MAX_QUEUED = 16;

  private final long turnLimitNs;
  private final ArrayDeque<GenerationJob> interactive = new ArrayDeque<>();
  private final ArrayDeque<GenerationJob> background = new ArrayDeque<>();
  private @Nullable RecoverableGeneration setAside;

  /**
   * Nobody waits.
   *
   * @param turnLimitNs how long the background may wait while others come first
   */
  WaitingJobs(long turnLimitNs) {
    this.turnLimitNs = turnLimitNs;
  }

  /**
   * Adds a request.
   *
   * @throws GenerationRefusedException if there is no room for it
   */
  void add(GenerationJob job) {
    ArrayDeque<GenerationJob> queue = queue(job);
    if (queue.size() >= MAX_QUEUED) {
      throw new GenerationRefusedException(
          GenerationRefusedException.Reason.QUEUE_FULL,
          "the queue holds " + MAX_QUEUED + " requests already; try again later");
    }
    queue.add(job);
  }

  /** Keeps what gave way until nothing interactive waits. */
  void setAside(RecoverableGeneration generation) {
    generation.forTurn.begin(System.nanoTime(), generation.run.clock().completionTokens());
    setAside = generation;
  }

  int size() {
    return interactive.size() + background.size() + (setAside == null ? 0 : 1);
  }

  boolean hasInteractive() {
    return !interactive.isEmpty();
  }

  /** The next request that has not begun; null where there is none, or {@link #pollSetAside}. */
  @Nullable GenerationJob poll() {
    if (hasInteractive()) {
      return interactive.poll();
    }
    return setAside == null ? background.poll() : null;
  }

  /** What gave way and goes on now; null where there is none, or something comes first. */
  @Nullable RecoverableGeneration pollSetAside() {
    RecoverableGeneration generation = hasInteractive() ? null : setAside;
    if (generation != null) {
      setAside = null;
    }
    return generation;
  }

  /** Takes a request out; null if it does not wait. */
  @Nullable Runnable remove(GenerationJob job) {
    RecoverableGeneration begun = setAside;
    if (begun != null && begun.job == job) {
      setAside = null;
      return begun.run::drop;
    }
    return queue(job).remove(job) ? job::drop : null;
  }

  /** Takes all out, for want of ranks. */
  List<Runnable> removeAll(String message) {
    List<Runnable> farewells = new ArrayList<>();
    interactive.forEach(job -> farewells.add(() -> job.refuse(message)));
    background.forEach(job -> farewells.add(() -> job.refuse(message)));
    interactive.clear();
    background.clear();
    addFarewell(farewells, message);
    return farewells;
  }

  /** Takes out what would wait once more for others although it has waited too long. */
  List<Runnable> removeStarved() {
    List<Runnable> farewells = new ArrayList<>();
    if (hasInteractive()) {
      long nowNs = System.nanoTime();
      String message =
          "interactive requests came first for %d s; ask again when there are fewer"
              .formatted(TimeUnit.NANOSECONDS.toSeconds(turnLimitNs));
      while (!background.isEmpty() && nowNs - background.element().askedNs >= turnLimitNs) {
        GenerationJob job = background.remove();
        farewells.add(() -> job.refuse(message));
      }
      if (setAside != null && setAside.forTurn.isOver(nowNs)) {
        addFarewell(farewells, message);
      }
    }
    return farewells;
  }

  private void addFarewell(List<Runnable> farewells, String message) {
    RecoverableGeneration begun = setAside;
    if (begun != null) {
      setAside = null;
      farewells.add(() -> begun.run.fail(message));
    }
  }

  private ArrayDeque<GenerationJob> queue(GenerationJob job) {
    return job.isInteractive() ? interactive : background;
  }
}
