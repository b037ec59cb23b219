package org.kithlm.node.rank;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * The durations of the last few thousand events of one kind. One thread adds, any may ask; a
 * duration that is added meanwhile may be seen or not.
 */
final class RecentTimes {
  /** About 70 tokens of a model with 30 layers, in 16 KiB. */
  static final int CAPACITY = 4096;

  private final AtomicIntegerArray times = new AtomicIntegerArray(CAPACITY); // microseconds
  private volatile long count;

  /** Adds a duration; one of more than half an hour counts as that. */
  void add(long durationNs) {
    long added = count;
    int micros = (int) Math.min(Integer.MAX_VALUE, durationNs / 1000);
    times.setOpaque((int) (added % CAPACITY), micros);
    count = added + 1;
  }

  /** What is known now, sorted. */
  Sorted sorted() {
    int[] copy = new int[(int) Math.min(count, CAPACITY)];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = times.getOpaque(i);
    }
    Arrays.sort(copy);
    return new Sorted(copy);
  }

  /**
   * Durations at one moment.
   *
   * @param micros ascending
   */
  record Sorted(int[] micros) {
    /** The smallest duration that so many percent do not exceed, in milliseconds; 0 without any. */
    double percentileMs(int percent) {
      if (micros.length == 0) {
        return 0;
      }
      int index = (int) ((long) micros.length * percent + 99) / 100 - 1; // nearest rank
      return micros[Math.max(0, index)] / 1000.0;
    }
  }
}
