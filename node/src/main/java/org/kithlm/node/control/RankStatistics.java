package org.kithlm.node.control;

/**
 * What a rank has used since its epoch began.
 *
 * @param pid process id
 * @param rssPeakBytes largest resident set of the process (VmHWM), 0 where the system does not tell
 * @param weightsResidentBytes weights in memory
 * @param weightsStreamedBytes weights read from disk after loading
 * @param computeMs time in the forward pass less the waits
 * @param collectiveMs time in collectives
 * @param diskWaitMs time waiting for tiles
 */
public record RankStatistics(
    long pid,
    long rssPeakBytes,
    long weightsResidentBytes,
    long weightsStreamedBytes,
    double computeMs,
    double collectiveMs,
    double diskWaitMs) {
  /** What was used since an earlier look; peaks and what is resident stay as they are. */
  public RankStatistics since(RankStatistics earlier) {
    return new RankStatistics(
        pid,
        rssPeakBytes,
        weightsResidentBytes,
        weightsStreamedBytes - earlier.weightsStreamedBytes,
        computeMs - earlier.computeMs,
        collectiveMs - earlier.collectiveMs,
        diskWaitMs - earlier.diskWaitMs);
  }

  /** With what was used elsewhere as well; peaks and what is resident stay as they are. */
  public RankStatistics plus(RankStatistics other) {
    return new RankStatistics(
        pid,
        rssPeakBytes,
        weightsResidentBytes,
        weightsStreamedBytes + other.weightsStreamedBytes,
        computeMs + other.computeMs,
        collectiveMs + other.collectiveMs,
        diskWaitMs + other.diskWaitMs);
  }
}
