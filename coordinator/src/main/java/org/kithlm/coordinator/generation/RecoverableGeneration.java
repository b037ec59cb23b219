package org.kithlm.coordinator.generation;

/**
 * A generation that has begun. It outlives the ranks that it runs on, and one of the background
 * also the turns of others. Owned by the engine's thread, or by whoever holds the engine's lock
 * while it waits.
 */
final class RecoverableGeneration {
  final GenerationJob job;
  final GenerationRun run;

  /** For other ranks, where its own are lost. */
  final Patience forRanks;

  /** For another turn, after it gave way. */
  final Patience forTurn;

  /**
   * A generation that has its ranks.
   *
   * @param ranksLimitNs how long it may wait for other ranks
   * @param turnLimitNs how long it may wait for another turn
   */
  RecoverableGeneration(GenerationJob job, GenerationRun run, long ranksLimitNs, long turnLimitNs) {
    this.job = job;
    this.run = run;
    this.forRanks = new Patience(ranksLimitNs);
    this.forTurn = new Patience(turnLimitNs);
  }
}
