package org.kithlm.coordinator.generation;

import java.util.Arrays;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;

/**
 * Rank 0 and the tokens whose keys and values all ranks hold, so that a prompt that begins with
 * them need not be run from its start: the next turn of a chat repeats the turns before it. The
 * result of a token does not depend on the step that it is computed in, so reuse changes no bit.
 * Owned by the engine's thread.
 */
final class PrefixCachingRank {
  private final RootRank rank;
  private int[] cached = new int[256];
  private int cachedCount;

  PrefixCachingRank(RootRank rank) {
    this.rank = rank;
  }

  int maxTokens() {
    return rank.maxTokens();
  }

  /** What rank 0 has used so far; from any thread. */
  RankStatistics statistics() {
    return rank.statistics();
  }

  /** Tokens at the start of a prompt that need not be run; its last one must, for its logits. */
  int cachedCount(int[] prompt) {
    int mismatch = Arrays.mismatch(cached, 0, cachedCount, prompt, 0, prompt.length - 1);
    return mismatch < 0 ? cachedCount : mismatch;
  }

  /** Makes the next prompt run from its start. */
  void forget() {
    cachedCount = 0;
  }

  /**
   * Runs {@code tokens[from, to)} at the positions of the same numbers; those before must be
   * cached.
   *
   * @throws RankFailedException if the step was aborted or a rank is lost
   */
  void step(int[] tokens, int from, int to) {
    // Also after an aborted step: some ranks may have finished it, but all hold what came before.
    cachedCount = from;
    try {
      rank.step(tokens, from, to - from, from);
    } catch (RuntimeException e) {
      throw new RankFailedException(e);
    }
    if (to > cached.length) {
      cached = Arrays.copyOf(cached, Math.max(to, 2 * cached.length));
    }
    System.arraycopy(tokens, from, cached, from, to - from);
    cachedCount = to;
  }

  /**
   * Logits after the last token of the last step; see {@link RootRank#logits}.
   *
   * @throws RankFailedException if rank 0 cannot compute them
   */
  float[] logits() {
    try {
      return rank.logits();
    } catch (RuntimeException e) {
      throw new RankFailedException(e);
    }
  }
}
