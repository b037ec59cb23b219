package org.kithlm.transport;

/**
 * What a session has done so far.
 *
 * @param rounds allreduces completed
 * @param sentBytes payload and frame headers handed to the driver
 * @param receivedBytes payload and frame headers taken from it
 * @param droppedFrames frames that were malformed, of another epoch, late, or not sealed as they
 *     should be or sealed long ago
 * @param waitedNs time spent waiting for peers in steps and rounds
 */
public record TransportCounters(
    long rounds, long sentBytes, long receivedBytes, long droppedFrames, long waitedNs) {}
