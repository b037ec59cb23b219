package org.kithlm.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Which tiles stay in memory and which pass through the ring.
 *
 * <p>Tiles are walked in a cycle, where least-recently-used keeps nothing and any fixed set keeps
 * its share. The pinned ones are spread evenly, as Bresenham spreads the steps of a line: then the
 * disk works steadily while the pinned tiles in between are computed.
 *
 * @param pinned indices of the tiles that stay, ascending
 * @param streamed indices of the others, ascending
 * @param ringBytes memory that those share, 0 if there are none
 */
record ResidencyPlan(List<Integer> pinned, List<Integer> streamed, long ringBytes) {
  /** One or two in use, four being read; the others even out tiles that take longer. */
  static final int RING_TILES_MIN = 8;

  /** A byte of ring is a byte less of pinned tiles, so a small budget has a small ring. */
  private static final int RING_SHARE = 4;

  /**
   * Plans for a budget.
   *
   * @throws IllegalArgumentException if the budget holds neither all tiles nor the smallest ring
   */
  static ResidencyPlan of(
      List<TileExtent> extents, int alignmentBytes, ResidencySettings settings) {
    List<Integer> all = all(extents);
    long allBytes = allBytes(extents, alignmentBytes);
    long budgetBytes = settings.budgetBytes();
    if (allBytes <= budgetBytes) {
      return new ResidencyPlan(all, List.of(), 0);
    }
    long[] spanBytes = spanBytes(extents, alignmentBytes);
    long ringBytesMin = ringBytesMin(spanBytes);
    if (budgetBytes < ringBytesMin) {
      throw new IllegalArgumentException(
          "a memory budget of "
              + budgetBytes
              + " bytes is too small for "
              + allBytes
              + " bytes of weights; the smallest that works is "
              + smallestBytes(extents, alignmentBytes)
              + " bytes");
    }
    long ringBytes =
        Math.max(ringBytesMin, Math.min(settings.ringBytesMax(), budgetBytes / RING_SHARE));
    return spread(spanBytes, budgetBytes - ringBytes, ringBytes);
  }

  /** The smallest budget that works: the smallest ring, or all tiles where that is less. */
  static long smallestBytes(List<TileExtent> extents, int alignmentBytes) {
    return extents.isEmpty()
        ? 0
        : Math.min(
            ringBytesMin(spanBytes(extents, alignmentBytes)), allBytes(extents, alignmentBytes));
  }

  private static List<Integer> all(List<TileExtent> extents) {
    return IntStream.range(0, extents.size()).boxed().toList();
  }

  private static long allBytes(List<TileExtent> extents, int alignmentBytes) {
    return ReadRun.plan(extents, all(extents), alignmentBytes).stream()
        .mapToLong(ReadRun::spanBytes)
        .sum();
  }

  private static long[] spanBytes(List<TileExtent> extents, int alignmentBytes) {
    return IntStream.range(0, extents.size())
        .mapToLong(tile -> ReadRun.ofTile(extents, tile, alignmentBytes).spanBytes())
        .toArray();
  }

  private static long ringBytesMin(long[] spanBytes) {
    return RING_TILES_MIN * LongStream.of(spanBytes).max().orElseThrow();
  }

  private static ResidencyPlan spread(long[] spanBytes, long pinBytesMax, long ringBytes) {
    double share = (double) pinBytesMax / LongStream.of(spanBytes).sum();
    List<Integer> pinned = new ArrayList<>();
    List<Integer> streamed = new ArrayList<>();
    long passedBytes = 0;
    long pinnedBytes = 0;
    for (int tile = 0; tile < spanBytes.length; tile++) {
      passedBytes += spanBytes[tile];
      if (pinnedBytes + spanBytes[tile] <= (long) (share * passedBytes)) {
        pinnedBytes += spanBytes[tile];
        pinned.add(tile);
      } else {
        streamed.add(tile);
      }
    }
    return new ResidencyPlan(pinned, streamed, ringBytes);
  }
}
