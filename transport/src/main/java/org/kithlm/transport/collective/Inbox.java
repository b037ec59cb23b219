package org.kithlm.transport.collective;

import org.kithlm.transport.SumEncoding;
import org.kithlm.transport.frame.FrameFlyweight;

/**
 * Partial sums of one peer that have come and are not all added yet: those of one frame. Frames of
 * different ranks are cut at different places. Owned by the session's thread.
 */
final class Inbox {
  private final double[] values;
  private int first;
  private int end;

  Inbox(int frameElements) {
    values = new double[frameElements];
  }

  /** Forgets what is left. */
  void begin() {
    first = 0;
    end = 0;
  }

  /** Takes a frame; all before it was added. */
  void take(FrameFlyweight frame, SumEncoding encoding) {
    first = frame.offset();
    end = first + frame.count();
    frame.copyElementsTo(values, encoding);
  }

  /** Index after the last element that is here. */
  int end() {
    return end;
  }

  /** Adds {@code [from, from + count)} to {@code sums[0, count)}. */
  void addTo(double[] sums, int from, int count) {
    for (int i = 0; i < count; i++) {
      sums[i] += values[from - first + i];
    }
  }
}
