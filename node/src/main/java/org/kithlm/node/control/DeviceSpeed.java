package org.kithlm.node.control;

/**
 * What was measured of a device.
 *
 * @param weightBytesPerSecond weights that its kernels take one token through
 * @param diskBytesPerSecond rate at which it reads a file past the page cache, 0 where unknown
 */
public record DeviceSpeed(long weightBytesPerSecond, long diskBytesPerSecond) {}
