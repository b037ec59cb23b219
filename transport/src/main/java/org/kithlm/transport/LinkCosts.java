package org.kithlm.transport;

/**
 * What a session's links cost, as measured between two of its steps: medians, of the worst link.
 * All ranks hold the same figures.
 *
 * @param starLatencyNs one way between the root and the farthest leaf
 * @param meshLatencyNs one way between the two ranks farthest apart
 * @param bytesPerSecond rate of the slowest link; without the CPU time of its datagrams where each
 *     rank has its own machine
 * @param datagramNs CPU time that a rank spends on sending one datagram
 * @param sharedCores cores that all ranks share, 0 where each has its own machine
 */
public record LinkCosts(
    int starLatencyNs, int meshLatencyNs, long bytesPerSecond, int datagramNs, int sharedCores) {}
