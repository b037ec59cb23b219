package org.kithlm.model.transformer;

/**
 * Which tokens a step takes through the layers: runs of consecutive positions, each of one
 * sequence. Sequence 0 is the stem; the others are branches, which share its first positions. One
 * instance is filled anew for each step; one thread.
 */
public final class StepRuns {
  /** Sequences that a cache can hold, and so the most runs of a step. */
  public static final int MAX = 8;

  /** As many logits as the vocabulary has tokens. */
  public static final int ALL_LOGITS = Integer.MAX_VALUE;

  /** The stem. */
  public static final int STEM = 0;

  private final int[] sequences = new int[MAX];
  private final int[] stemLengths = new int[MAX];
  private final int[] startPositions = new int[MAX];
  private final int[] firstTokens = new int[MAX + 1]; // of the step; the last is the token count
  private int count;
  private int wantedLogits = ALL_LOGITS;
  private boolean overlapsSums;
  private boolean sharesTokens;

  /** Forgets all runs. */
  public StepRuns clear() {
    count = 0;
    wantedLogits = ALL_LOGITS;
    overlapsSums = false;
    sharesTokens = false;
    return this;
  }

  /** Takes the runs of another step. */
  public void set(StepRuns other) {
    clear().wantLogits(other.wantedLogits);
    overlapSums(other.overlapsSums).shareTokens(other.sharesTokens);
    for (int run = 0; run < other.count; run++) {
      add(
          other.sequence(run),
          other.stemLength(run),
          other.startPosition(run),
          other.tokenCount(run));
    }
  }

  /** Adds a run of the stem, which keeps no branch. */
  public StepRuns addStem(int startPosition, int tokenCount) {
    return add(STEM, 0, startPosition, tokenCount);
  }

  /**
   * Adds a run; its tokens follow those of the runs before it.
   *
   * @param sequence 0 to {@code MAX - 1}, and none that has a run already
   * @param stemLength positions that a branch shares with the stem, and so do all branches that are
   *     kept; 0 for the stem keeps none
   * @param startPosition position of its first token, not below {@code stemLength}
   * @param tokenCount at least 1
   * @throws IllegalArgumentException if one is out of range
   */
  public StepRuns add(int sequence, int stemLength, int startPosition, int tokenCount) {
    boolean known = false;
    for (int run = 0; run < count; run++) {
      known |= sequences[run] == sequence;
    }
    if (known
        || sequence < 0
        || sequence >= MAX
        || stemLength < 0
        || startPosition < stemLength
        || tokenCount < 1) {
      throw new IllegalArgumentException(
          "sequence=%d stemLength=%d startPosition=%d tokenCount=%d after %d runs"
              .formatted(sequence, stemLength, startPosition, tokenCount, count));
    }
    sequences[count] = sequence;
    stemLengths[count] = stemLength;
    startPositions[count] = startPosition;
    firstTokens[count + 1] = firstTokens[count] + tokenCount;
    count++;
    return this;
  }

  /**
   * Says how many of the likeliest tokens' logits the step is to give after each run: 0 for none;
   * all, unless this is called.
   *
   * @throws IllegalArgumentException if {@code likeliest} is negative
   */
  public StepRuns wantLogits(int likeliest) {
    if (likeliest < 0) {
      throw new IllegalArgumentException("likeliest=" + likeliest + ": give at least 0");
    }
    wantedLogits = likeliest;
    return this;
  }

  /** How many of the likeliest tokens' logits the step is to give after each run. */
  public int wantedLogits() {
    return wantedLogits;
  }

  /**
   * Says whether one half of a long step is to compute while the sums of the other are formed; not,
   * unless this is called. All ranks are to be told the same.
   */
  public StepRuns overlapSums(boolean overlap) {
    overlapsSums = overlap;
    return this;
  }

  /** Whether one half of a long step is to compute while the sums of the other are formed. */
  public boolean overlapsSums() {
    return overlapsSums;
  }

  /**
   * Says whether each rank is to compute the attention of a part of the tokens alone, where all
   * have all of its weights; not, unless this is called. All ranks are to be told the same.
   */
  public StepRuns shareTokens(boolean share) {
    sharesTokens = share;
    return this;
  }

  /** Whether each rank is to compute the attention of a part of the tokens alone. */
  public boolean sharesTokens() {
    return sharesTokens;
  }

  /** How many runs there are. */
  public int count() {
    return count;
  }

  /** Tokens of all runs. */
  public int tokenCount() {
    return firstTokens[count];
  }

  /** Whether this is one run of the stem, which keeps no branch. */
  public boolean isStemOnly() {
    return count == 1 && sequences[0] == STEM && stemLengths[0] == 0;
  }

  /** The sequence of a run. */
  public int sequence(int run) {
    return sequences[run];
  }

  /** Positions that the sequence of a run, or the branches that it keeps, share with the stem. */
  public int stemLength(int run) {
    return stemLengths[run];
  }

  /** Position of a run's first token. */
  public int startPosition(int run) {
    return startPositions[run];
  }

  /** Index in the step of a run's first token. */
  public int firstToken(int run) {
    return firstTokens[run];
  }

  /** Tokens of a run. */
  public int tokenCount(int run) {
    return firstTokens[run + 1] - firstTokens[run];
  }
}
