package org.kithlm.transport.collective;

import java.util.Arrays;

/**
 * What was measured again and again within a time. The first quarter does not count: it compiles
 * code and fills caches. Owned by one thread.
 */
final class Samples {
  private static final int COUNT_MIN = 8;
  private static final int COUNT_MAX = 4096;
  private static final int UNCOUNTED_DIVISOR = 4;

  private final long[] values = new long[COUNT_MAX];
  private final long startNs = System.nanoTime();
  private final long budgetNs;
  private int count;

  /** Samples for so long, or a few if one takes longer. */
  Samples(long budgetNs) {
    this.budgetNs = budgetNs;
  }

  /** Whether there is time and room for another. */
  boolean isWanted() {
    return count < COUNT_MIN || (count < COUNT_MAX && System.nanoTime() - startNs < budgetNs);
  }

  void add(long value) {
    values[count++] = value;
  }

  /** The median of those that count; of an even number the larger of the middle ones. */
  long median() {
    int uncounted = count / UNCOUNTED_DIVISOR;
    long[] counted = Arrays.copyOfRange(values, uncounted, count);
    Arrays.sort(counted);
    return counted[counted.length / 2];
  }
}
