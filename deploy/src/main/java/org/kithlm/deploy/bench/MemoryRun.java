package org.kithlm.deploy.bench;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * An answer of a cluster in a budget of memory, and what the disk gave to plain reads just before.
 *
 * @param memoryBytes budget of each process, {@link Long#MAX_VALUE} for none
 * @param tokens of the answer
 * @param tokensPerSecond after the first
 * @param residentBytes memory for weights, of all ranks
 * @param streamedBytes weights read for the answer, by all ranks
 * @param peakBytes largest resident set of a process
 * @param computeMs time in the forward pass less the waits, of the rank with the most
 * @param collectiveMs time in collectives, of the rank with the most
 * @param diskWaitMs time waiting for tiles, of the rank with the most
 * @param diskBytesPerSecond of plain direct reads
 */
public record MemoryRun(
    long memoryBytes,
    int tokens,
    double tokensPerSecond,
    long residentBytes,
    long streamedBytes,
    long peakBytes,
    double computeMs,
    double collectiveMs,
    double diskWaitMs,
    double diskBytesPerSecond) {

  /** What {@code kith local --prompt --json} has answered. */
  public static MemoryRun of(long memoryBytes, JsonNode answer, double diskBytesPerSecond) {
    long resident = 0;
    long streamed = 0;
    long peak = 0;
    double compute = 0;
    double collective = 0;
    double wait = 0;
    for (JsonNode node : answer.get("nodes")) {
      resident += node.get("weights_resident_bytes").asLong();
      streamed += node.get("weights_streamed_bytes").asLong();
      peak = Math.max(peak, node.get("rss_peak_bytes").asLong());
      compute = Math.max(compute, node.get("compute_ms").asDouble());
      collective = Math.max(collective, node.get("collective_ms").asDouble());
      wait = Math.max(wait, node.get("disk_wait_ms").asDouble());
    }
    return new MemoryRun(
        memoryBytes,
        answer.get("tokens").size(),
        answer.get("tokens_per_second").asDouble(),
        resident,
        streamed,
        peak,
        compute,
        collective,
        wait,
        diskBytesPerSecond);
  }

  /** Weights read for each token; its prompt must be a single step. */
  public long streamedBytesPerToken() {
    return streamedBytes / Math.max(1, tokens);
  }

  /**
   * The rate that disk and computing allow when neither waits for the other.
   *
   * @param unlimitedTokensPerSecond with all weights in memory
   */
  public double idealTokensPerSecond(double unlimitedTokensPerSecond) {
    return Math.min(
        unlimitedTokensPerSecond, diskBytesPerSecond / Math.max(1, streamedBytesPerToken()));
  }
}
