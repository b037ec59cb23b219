package org.kithlm.model.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class WorkerPoolTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Counts how often each part ran; no part writes another's element. */
  private static final class Tally implements Workers.Part {
    private final int[] runs;

    Tally(int count) {
      runs = new int[count];
    }

    @Override
    public void run(int index, int count) {
      assertEquals(runs.length, count);
      runs[index]++;
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS), "the other part never came");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static Thread onlyThread() {
    List<Thread> threads =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("kith-worker-"))
            .toList();
    assertEquals(1, threads.size());
    return threads.getFirst();
  }

  private static void awaitParked(Thread thread) {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (thread.getState() != Thread.State.WAITING) {
      assertTrue(System.nanoTime() < deadlineNs, "still " + thread.getState());
      Thread.onSpinWait();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void shouldRunEveryPartOnceAndShowWhatItWrote(int threads) {
    Tally tally = new Tally(threads);
    try (Workers workers = WorkerPool.of(threads)) {
      assertEquals(threads, workers.count());
      for (int round = 1; round <= 10_000; round++) {
        workers.run(tally);
        for (int runs : tally.runs) {
          assertEquals(round, runs);
        }
      }
    }
  }

  @Test
  void shouldNeedNoThreadsForOne() {
    assertSame(Workers.alone().getClass(), WorkerPool.of(1).getClass());
    assertThrows(IllegalArgumentException.class, () -> WorkerPool.of(0));
  }

  @Test
  void shouldRunPartsAtTheSameTime() {
    CountDownLatch both = new CountDownLatch(2);
    try (Workers workers = WorkerPool.of(2)) {
      workers.run(
          (index, count) -> {
            both.countDown();
            await(both);
          });
    }
    assertEquals(0, both.getCount());
  }

  @Test
  void shouldParkWhenIdleAndWakeForWork() {
    Tally tally = new Tally(2);
    try (Workers workers = WorkerPool.of(2)) {
      Thread worker = onlyThread();
      for (int round = 1; round <= 100; round++) {
        awaitParked(worker);
        workers.run(tally);
        assertEquals(round, tally.runs[1]);
      }
    }
  }

  @Test
  void shouldReturnWhenInterruptedAndKeepTheInterrupt() {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Thread caller = Thread.currentThread();
    try (Workers workers = WorkerPool.of(2)) {
      workers.run(
          (index, count) -> {
            if (index == 0) {
              await(begun);
              Thread.currentThread().interrupt();
            } else {
              begun.countDown();
              awaitParked(caller);
              go.countDown();
            }
          });
      assertEquals(0, go.getCount());
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void shouldThrowTheFirstFailureWhenAllPartsHaveEnded() {
    Tally tally = new Tally(3);
    try (Workers workers = WorkerPool.of(3)) {
      RuntimeException thrown =
          assertThrows(
              RuntimeException.class,
              () ->
                  workers.run(
                      (index, count) -> {
                        tally.run(index, count);
                        if (index > 0) {
                          throw new IllegalArgumentException("part " + index);
                        }
                      }));
      assertEquals("part 1", thrown.getMessage());
      assertEquals("part 2", thrown.getSuppressed()[0].getMessage());
      for (int runs : tally.runs) {
        assertEquals(1, runs);
      }
      assertThrows(
          AssertionError.class,
          () ->
              workers.run(
                  (index, count) -> {
                    throw new AssertionError();
                  }));
      workers.run(tally);
      assertEquals(2, tally.runs[2]);
    }
  }

  @Test
  void shouldSurviveRandomFailures() {
    long seed = 5;
    Random random = new Random(seed);
    int threads = 3;
    Tally tally = new Tally(threads);
    try (Workers workers = WorkerPool.of(threads)) {
      for (int round = 1; round <= 100_000; round++) {
        int failing = random.nextInt(10 * threads);
        int spins = random.nextInt(100);
        String what = "seed=" + seed + " round=" + round;
        Workers.Part part =
            (index, count) -> {
              for (int i = 0; i < spins * index; i++) {
                Thread.onSpinWait();
              }
              tally.run(index, count);
              if (index == failing) {
                throw new IllegalStateException(what);
              }
            };
        if (failing < threads) {
          String message =
              assertThrows(IllegalStateException.class, () -> workers.run(part)).getMessage();
          assertEquals(what, message);
        } else {
          workers.run(part);
        }
        for (int runs : tally.runs) {
          assertEquals(round, runs, what);
        }
      }
    }
  }

  /** Reading the clock of bytes allocates some; a run that did would take 16 bytes each time. */
  @Test
  void shouldNotAllocatePerRun() {
    int rounds = 10_000;
    Tally tally = new Tally(2);
    try (Workers workers = WorkerPool.of(2)) {
      Thread worker = onlyThread();
      long callersBytes = THREADS.getCurrentThreadAllocatedBytes();
      long workersBytes = THREADS.getThreadAllocatedBytes(worker.threadId());
      for (int i = 0; i < rounds; i++) {
        workers.run(tally);
      }
      callersBytes = THREADS.getCurrentThreadAllocatedBytes() - callersBytes;
      workersBytes = THREADS.getThreadAllocatedBytes(worker.threadId()) - workersBytes;
      assertTrue(callersBytes < rounds, "caller: " + callersBytes);
      assertTrue(workersBytes < rounds, "worker: " + workersBytes);
    }
  }

  @Test
  void shouldRefuseWorkWithinWorkAndAfterClose() {
    Workers workers = WorkerPool.of(2);
    Thread worker = onlyThread();
    assertThrows(
        IllegalStateException.class,
        () -> workers.run((index, count) -> workers.run((inner, innerCount) -> {})));
    workers.close();
    workers.close();
    assertFalse(worker.isAlive());
    assertThrows(IllegalStateException.class, () -> workers.run((index, count) -> {}));
  }

  @Test
  void shouldSpinLessWhereCoresAreFewer() {
    assertTrue(WorkerPool.spinNs(2, 4) <= TimeUnit.MICROSECONDS.toNanos(500));
    assertTrue(WorkerPool.spinNs(2, 2) < WorkerPool.spinNs(2, 4));
    assertEquals(0, WorkerPool.spinNs(3, 2));
  }
}
