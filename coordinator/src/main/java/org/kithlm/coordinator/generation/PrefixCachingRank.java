package org.kithlm.coordinator.generation;

import java.util.Arrays;
import org.kithlm.model.transformer.KvBlocks;
import org.kithlm.model.transformer.StepRuns;
import org.kithlm.node.control.RankStatistics;
import org.kithlm.node.rank.RootRank;

/**
 * Rank 0 and the tokens whose keys and values all ranks hold in the stem, so that a prompt that
 * begins with them need not be run from its start: the next turn of a chat repeats the turns before
 * it. The result of a token does not depend on the step that it is computed in, so reuse changes no
 * bit. Owned by the engine's thread.
 */
final class PrefixCachingRank {
  /** The sequence of the background; a request of several texts takes it and more. */
  static final int BESIDE = 1;

  private final RootRank rank;
  private int[] cached = new int[256];
  private int cachedCount;
  private int stemEnd; // where the stem's last step ended, also if it was aborted
  private int branchedAt; // where the branches of a request left the stem, 0 if it has none
  private boolean usesDisks = true;

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

  /**
   * Where a branch for another prompt can leave the stem, which stays as it is. It is not where the
   * branches of a request left it: they are dropped when another leaves it elsewhere.
   */
  int branchPoint(int[] prompt) {
    int shared = cachedCount(prompt);
    return shared > 0 && shared == branchedAt ? shared - 1 : shared;
  }

  /** Positions that such a branch may have, the stem's among them, beside the rest of the stem. */
  int roomBeside(int branchPoint, int contextLength) {
    int free = KvBlocks.of(contextLength) - KvBlocks.of(stemEnd);
    return Math.min(contextLength, KvBlocks.positions(branchPoint / KvBlocks.positions(1) + free));
  }

  /**
   * Fills the stem from the ranks' disks with what they have of a text beyond what they hold; its
   * last token must be run, for its logits.
   *
   * @param tokens begins with the text
   * @return how many tokens of it need not be run
   * @throws RankFailedException if a rank is lost
   */
  int restore(int[] tokens, int length) {
    int held = cachedCount(Arrays.copyOf(tokens, length));
    if (!usesDisks) {
      return held;
    }
    cachedCount = held; // the rest gives way
    stemEnd = Math.max(stemEnd, length);
    try {
      int filled = rank.restore(tokens, length, held);
      keep(tokens, held, filled - held);
      return filled;
    } catch (RuntimeException e) {
      throw new RankFailedException(e);
    }
  }

  /** Makes the next prompt run from its start, and what disks have of it may be no better. */
  void forget() {
    cachedCount = 0;
    usesDisks = false;
  }

  /**
   * Runs tokens; see {@link RootRank#step(int[], int, StepRuns)}.
   *
   * @throws RankFailedException if the step was aborted or a rank is lost
   */
  void step(int[] tokens, int offset, StepRuns runs) {
    int stem = stemRun(runs);
    if (stem >= 0) {
      // Also after an aborted step: some ranks may have finished it, but all hold what came before.
      cachedCount = runs.startPosition(stem);
      stemEnd = cachedCount + runs.tokenCount(stem);
    }
    if (runs.isStemOnly()) {
      branchedAt = 0;
    } else if (runs.sequence(runs.count() - 1) > BESIDE) {
      branchedAt = runs.stemLength(0);
    }
    try {
      rank.step(tokens, offset, runs);
      if (stem >= 0) {
        keep(tokens, offset + runs.firstToken(stem), runs.tokenCount(stem));
        if (usesDisks) {
          rank.keep(cached, cachedCount);
        }
      }
    } catch (RuntimeException e) {
      throw new RankFailedException(e);
    }
  }

  private static int stemRun(StepRuns runs) {
    for (int run = 0; run < runs.count(); run++) {
      if (runs.sequence(run) == StepRuns.STEM) {
        return run;
      }
    }
    return -1;
  }

  private void keep(int[] tokens, int from, int count) {
    int end = cachedCount + count;
    if (end > cached.length) {
      cached = Arrays.copyOf(cached, Math.max(end, 2 * cached.length));
    }
    System.arraycopy(tokens, from, cached, cachedCount, count);
    cachedCount = end;
  }

  /**
   * Logits after the last token of a run of the last step; see {@link RootRank#logits(int)}.
   *
   * @throws RankFailedException if rank 0 cannot compute them
   */
  float[] logits(int run) {
    try {
      return rank.logits(run);
    } catch (RuntimeException e) {
      throw new RankFailedException(e);
    }
  }
}
