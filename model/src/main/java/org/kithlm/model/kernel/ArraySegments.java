package org.kithlm.model.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Arrays as native calls take them: a segment is an object, and those of the few arrays that a
 * thread uses again and again are kept. Belongs to one thread.
 */
final class ArraySegments {
  private static final int KEPT = 8;

  private final Object[] arrays = new Object[KEPT];
  private final MemorySegment[] segments = new MemorySegment[KEPT];
  private int oldest;

  MemorySegment of(float[] array) {
    int kept = indexOf(array);
    return kept >= 0 ? segments[kept] : keep(array, MemorySegment.ofArray(array));
  }

  MemorySegment of(double[] array) {
    int kept = indexOf(array);
    return kept >= 0 ? segments[kept] : keep(array, MemorySegment.ofArray(array));
  }

  @SuppressWarnings("ReferenceEquality") // the same array is meant, not one with the same content
  private int indexOf(Object array) {
    for (int i = 0; i < KEPT; i++) {
      if (arrays[i] == array) {
        return i;
      }
    }
    return -1;
  }

  private MemorySegment keep(Object array, MemorySegment segment) {
    arrays[oldest] = array;
    segments[oldest] = segment;
    oldest = (oldest + 1) % KEPT;
    return segment;
  }
}
