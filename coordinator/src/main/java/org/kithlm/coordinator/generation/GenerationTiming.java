package org.kithlm.coordinator.generation;

import org.kithlm.node.control.RankStatistics;

/**
 * How one generation does, or did.
 *
 * @param state how far it is
 * @param promptTokens tokens of the prompt
 * @param cachedTokens of these, tokens that did not have to be run
 * @param completionTokens tokens made so far, of all texts
 * @param ttftMs from leaving the queue to the first token, or until now; milliseconds
 * @param tokensPerSecond decode rate of all texts together after their first tokens, 0 where there
 *     are no second ones
 * @param untilFirstToken where rank 0's time went before the first token
 * @param sinceFirstToken where it went after it
 */
public record GenerationTiming(
    State state,
    int promptTokens,
    int cachedTokens,
    int completionTokens,
    double ttftMs,
    double tokensPerSecond,
    Split untilFirstToken,
    Split sinceFirstToken) {
  /** How far a generation is. */
  public enum State {
    /** Runs its prompt. */
    PREFILL,
    /** Makes tokens. */
    DECODE,
    /** Over, well or not. */
    ENDED
  }

  /**
   * Time as rank 0 saw it; what is missing to the whole is the tokenizer's, the sampler's and the
   * client's.
   *
   * @param computeMs in the forward pass less the waits
   * @param collectiveMs in collectives: the network, and the wait for slower ranks
   * @param diskWaitMs waiting for weights
   */
  public record Split(double computeMs, double collectiveMs, double diskWaitMs) {
    static Split between(RankStatistics earlier, RankStatistics later) {
      RankStatistics used = later.since(earlier);
      return new Split(used.computeMs(), used.collectiveMs(), used.diskWaitMs());
    }
  }
}
