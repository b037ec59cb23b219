package org.kithlm.coordinator.generation;

/**
 * A generation that outlives the ranks that it runs on. It may wait for new ones for so long in all
 * between two tokens of its answer: a cluster that makes no progress must not keep it for ever.
 * Owned by the engine's thread.
 */
final class RecoverableGeneration {
  final GenerationJob job;
  final GenerationRun run;
  private final long patienceNs;
  private long waitedNs;
  private long lostNs;
  private int tokensAtLoss;

  /**
   * A generation that has its ranks.
   *
   * @param patienceNs how long it may wait for others
   */
  RecoverableGeneration(GenerationJob job, GenerationRun run, long patienceNs) {
    this.job = job;
    this.run = run;
    this.patienceNs = patienceNs;
  }

  /** Its ranks are gone; times are those of {@link System#nanoTime}. */
  void lost(long nowNs) {
    int tokens = run.clock().completionTokens();
    if (tokens > tokensAtLoss) {
      waitedNs = 0;
    }
    tokensAtLoss = tokens;
    lostNs = nowNs;
  }

  /** It has ranks again; the result is how long it has waited for them, in nanoseconds. */
  long found(long nowNs) {
    long pauseNs = nowNs - lostNs;
    waitedNs += pauseNs;
    return pauseNs;
  }

  /** Whether it has waited for ranks long enough. */
  boolean isOutOfPatience(long nowNs) {
    return waitedNs + nowNs - lostNs >= patienceNs;
  }
}
