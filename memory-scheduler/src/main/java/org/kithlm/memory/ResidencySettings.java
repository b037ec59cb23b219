package org.kithlm.memory;

import java.util.concurrent.TimeUnit;

/**
 * How much memory tiles may take and how long a read may.
 *
 * @param budgetBytes memory for pinned tiles and ring together
 * @param ringBytesMax size of the ring, where a quarter of the budget allows it
 * @param readTimeoutNs how long {@link TileStore#acquire} waits for a tile, and {@link
 *     TileStore#close} for reads in flight
 */
public record ResidencySettings(long budgetBytes, long ringBytesMax, long readTimeoutNs) {
  /** Keeps a disk of 1 GB/s busy while the consumer stands still for 50 ms. */
  public static final long RING_BYTES_DEFAULT =
      ringBytes(1_000_000_000, TimeUnit.MILLISECONDS.toNanos(50));

  /** Longer than a sleeping disk takes to spin up, shorter than the other ranks' patience. */
  private static final long READ_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(30);

  /** Checks that all are positive. */
  public ResidencySettings {
    if (budgetBytes < 1 || ringBytesMax < 1 || readTimeoutNs < 1) {
      throw new IllegalArgumentException(
          "budgetBytes="
              + budgetBytes
              + " ringBytesMax="
              + ringBytesMax
              + " readTimeoutNs="
              + readTimeoutNs
              + ": all must be at least 1");
    }
  }

  /** No limit: all tiles stay in memory. */
  public static ResidencySettings everything() {
    return within(Long.MAX_VALUE);
  }

  /** A budget, with the usual ring and patience. */
  public static ResidencySettings within(long budgetBytes) {
    return new ResidencySettings(budgetBytes, RING_BYTES_DEFAULT, READ_TIMEOUT_NS);
  }

  /**
   * The ring that keeps a disk busy: what it reads while no tile is released, the tile in use and
   * what is being read, rounded up to 16 MiB.
   *
   * @param diskBytesPerSecond what the disk sustains
   * @param stallNs longest time between two releases: a collective, or sampling
   */
  public static long ringBytes(long diskBytesPerSecond, long stallNs) {
    long stallBytes = (long) (diskBytesPerSecond / 1e9 * stallNs);
    long inUseBytes = (1 + TileRing.READERS) * (long) ReadRun.RUN_BYTES_MAX;
    long stepBytes = 16 << 20;
    return Math.ceilDiv(stallBytes + inUseBytes, stepBytes) * stepBytes;
  }
}
