package org.kithlm.node.control;

import org.jspecify.annotations.Nullable;

/**
 * What a rank has used since its epoch began.
 *
 * @param pid process id
 * @param rssBytes resident set of the process (VmRSS), 0 where the system does not tell
 * @param rssPeakBytes largest resident set of the process (VmHWM), 0 where the system does not tell
 * @param weightsResidentBytes weights in memory
 * @param weightsStreamedBytes weights read from disk after loading
 * @param computeMs time in the forward pass less the waits
 * @param collectiveMs time in collectives
 * @param diskWaitMs time waiting for tiles
 * @param sumP50Ms median time of a sum over ranks, of the last few thousand; 0 before the first
 * @param sumP99Ms time that 99 of 100 of these sums did not exceed
 * @param answerMs from asking this rank to its answer, over the control plane; 0 for rank 0
 * @param kvStore what its node has done with keys and values on its disk, since its process began;
 *     null where it keeps none
 */
public record RankStatistics(
    long pid,
    long rssBytes,
    long rssPeakBytes,
    long weightsResidentBytes,
    long weightsStreamedBytes,
    double computeMs,
    double collectiveMs,
    double diskWaitMs,
    double sumP50Ms,
    double sumP99Ms,
    double answerMs,
    @Nullable KvStoreUse kvStore) {
  /** What was used since an earlier look; sizes and percentiles stay as they are. */
  public RankStatistics since(RankStatistics earlier) {
    return new RankStatistics(
        pid,
        rssBytes,
        rssPeakBytes,
        weightsResidentBytes,
        weightsStreamedBytes - earlier.weightsStreamedBytes,
        computeMs - earlier.computeMs,
        collectiveMs - earlier.collectiveMs,
        diskWaitMs - earlier.diskWaitMs,
        sumP50Ms,
        sumP99Ms,
        answerMs,
        kvStore);
  }

  /** With what was used elsewhere as well; sizes and percentiles stay as they are. */
  public RankStatistics plus(RankStatistics other) {
    return new RankStatistics(
        pid,
        rssBytes,
        rssPeakBytes,
        weightsResidentBytes,
        weightsStreamedBytes + other.weightsStreamedBytes,
        computeMs + other.computeMs,
        collectiveMs + other.collectiveMs,
        diskWaitMs + other.diskWaitMs,
        sumP50Ms,
        sumP99Ms,
        answerMs,
        kvStore);
  }

  /** The same, of a rank that answered after some time. */
  public RankStatistics answeredAfter(double ms) {
    return new RankStatistics(
        pid,
        rssBytes,
        rssPeakBytes,
        weightsResidentBytes,
        weightsStreamedBytes,
        computeMs,
        collectiveMs,
        diskWaitMs,
        sumP50Ms,
        sumP99Ms,
        ms,
        kvStore);
  }
}
