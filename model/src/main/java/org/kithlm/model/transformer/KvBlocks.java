package org.kithlm.model.transformer;

import static org.kithlm.model.transformer.KvCache.BLOCK_POSITIONS;

/**
 * Counts the blocks of a {@link KvCache}, which a branch shares with the stem as far as they are
 * full where it leaves it; of the block after these it has a copy.
 */
public final class KvBlocks {
  private KvBlocks() {}

  /** Blocks that so many positions take. */
  public static int of(int positions) {
    return Math.ceilDiv(positions, BLOCK_POSITIONS);
  }

  /** Positions of so many blocks. */
  public static int positions(int blocks) {
    return blocks * BLOCK_POSITIONS;
  }

  /**
   * Blocks that several texts after one prompt take together.
   *
   * @param stemLength positions of the prompt
   * @param length of the prompt and one text
   */
  public static long of(int stemLength, int length, int sequences) {
    int shared = stemLength / BLOCK_POSITIONS;
    return shared + (long) sequences * (of(length) - shared);
  }

  /** The longest prompt and text, of which there are several, in so many blocks; 0 if none fits. */
  public static int longest(int stemLength, int sequences, int blocks) {
    int shared = stemLength / BLOCK_POSITIONS;
    int each = Math.max(0, blocks - shared) / sequences;
    int length = positions(shared + each);
    return length > stemLength ? length : 0;
  }
}
