package org.kithlm.memory;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Hands out a ring of memory in turn: each region follows the one before it, or starts over where
 * it does not fit before the end. Regions given back early wait for the older ones. Not
 * thread-safe.
 */
final class RingSpace {
  /** Some bytes of the ring. Known by identity. */
  static final class Region {
    private final long offsetBytes;
    private final long lengthBytes;
    private boolean free;

    private Region(long offsetBytes, long lengthBytes) {
      this.offsetBytes = offsetBytes;
      this.lengthBytes = lengthBytes;
    }

    long offsetBytes() {
      return offsetBytes;
    }

    long endBytes() {
      return offsetBytes + lengthBytes;
    }
  }

  private final long capacityBytes;
  private final ArrayDeque<Region> regions = new ArrayDeque<>(); // oldest first

  RingSpace(long capacityBytes) {
    this.capacityBytes = capacityBytes;
  }

  /** The next region of this length, or null while there is no room for it. */
  @Nullable Region reserve(long lengthBytes) {
    long offsetBytes = 0;
    long limitBytes = capacityBytes;
    Region oldest = regions.peekFirst();
    Region newest = regions.peekLast();
    if (oldest != null && newest != null) {
      offsetBytes = newest.endBytes();
      boolean wrapped = newest.offsetBytes < oldest.offsetBytes;
      if (wrapped || capacityBytes - offsetBytes < lengthBytes) {
        offsetBytes = wrapped ? offsetBytes : 0;
        limitBytes = oldest.offsetBytes;
      }
    }
    if (limitBytes - offsetBytes < lengthBytes) {
      return null;
    }
    Region region = new Region(offsetBytes, lengthBytes);
    regions.add(region);
    return region;
  }

  /** Gives a region back. */
  void free(Region region) {
    assert !region.free : "region at " + region.offsetBytes + " freed twice";
    region.free = true;
    for (Region oldest = regions.peekFirst();
        oldest != null && oldest.free;
        oldest = regions.peekFirst()) {
      regions.removeFirst();
    }
  }
}
