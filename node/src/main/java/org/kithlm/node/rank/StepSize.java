package org.kithlm.node.rank;

import java.util.List;

/**
 * How many tokens a rank takes through its layers at once. The weights of a step are shared by its
 * tokens, so where they are read from disk a prompt should take few steps; what the activations of
 * the step take of the Java heap bounds it. Bytes throughout.
 */
final class StepSize {
  /** Enough to share each read of a weight from memory, and few enough for the caches. */
  static final int RESIDENT_TOKENS = 128;

  /** What the heap of a leaf holds besides; docs/memory.md tells how it was measured. */
  private static final long LEAF_BYTES = 24 << 20;

  /** The root's, with the vocabulary and requests. */
  private static final long ROOT_BYTES = 34 << 20;

  private StepSize() {}

  /**
   * Tokens of a step.
   *
   * @param root whether this is rank 0
   * @param resident whether no weight is read again
   * @param vectorBytes of the heap for norms and biases
   * @param bytesPerToken of the heap
   * @param tokensMax what the plan allows, at least 1
   * @throws DoesNotFitException if there is no room for one token
   */
  static int tokens(
      JavaHeap heap,
      boolean root,
      boolean resident,
      long vectorBytes,
      long bytesPerToken,
      int tokensMax) {
    long usedBytes = (root ? ROOT_BYTES : LEAF_BYTES) + vectorBytes;
    long freeBytes = heap.lastingBytes() - usedBytes;
    if (freeBytes < bytesPerToken) {
      double neededBytes =
          (usedBytes + bytesPerToken) * ((double) heap.maxBytes() / heap.lastingBytes());
      throw new DoesNotFitException(
          String.join(
              " ",
              List.of(
                  "a Java heap of",
                  (heap.maxBytes() >> 20) + " MiB",
                  "has no room for the activations of one token; set KITH_HEAP to at least",
                  (long) Math.ceil(neededBytes / (1 << 20)) + "m")));
    }
    int wanted = resident ? Math.min(RESIDENT_TOKENS, tokensMax) : tokensMax;
    return (int) Math.min(wanted, freeBytes / bytesPerToken);
  }
}
