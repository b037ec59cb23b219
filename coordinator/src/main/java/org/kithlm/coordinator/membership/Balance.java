package org.kithlm.coordinator.membership;

import java.util.Arrays;
import java.util.List;
import org.kithlm.model.shard.AttentionPlacement;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.ProcessMemory;

/**
 * Shares of the layers by which all devices need the same time for a token.
 *
 * <p>In a time t a device computes {@code speed * t} bytes of its weights. What its memory does not
 * hold it reads meanwhile, so it also has at most {@code memory + disk * t} bytes of weights, keys
 * and values. Both grow with t, so the t at which the parts of all devices make one whole is found
 * by bisection. What each device has of its own accord, replicated attention, comes first.
 */
final class Balance {
  private static final int DOUBLINGS = 60;
  private static final int HALVINGS = 60;

  private final Workload workload;
  private final AttentionPlacement attention;
  private final List<Device> devices;
  private final double seconds;

  /**
   * A device.
   *
   * @param fixedBytes weights that are in its memory whatever its share is
   */
  record Device(DeviceSpeed speed, ProcessMemory memory, long fixedBytes) {}

  Balance(Workload workload, AttentionPlacement attention, List<Device> devices) {
    this.workload = workload;
    this.attention = attention;
    this.devices = List.copyOf(devices);
    seconds = leastSeconds();
  }

  /** What the layers take all devices for a token; infinite where their memory is too little. */
  double seconds() {
    return seconds;
  }

  private double leastSeconds() {
    double bound = workload.sharedBytes(attention) / totalSpeed();
    for (int i = 0; sum(parts(bound)) < 1; i++) {
      if (i == DOUBLINGS) {
        return Double.POSITIVE_INFINITY;
      }
      bound *= 2;
    }
    double low = 0;
    double high = bound;
    for (int i = 0; i < HALVINGS; i++) {
      double middle = (low + high) / 2;
      if (sum(parts(middle)) < 1) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /**
   * The shares, in the order of the devices; they add up to 1. Where memory and disks together are
   * too little they are those of the speeds.
   */
  double[] shares() {
    return normalized(
        Double.isInfinite(seconds)
            ? devices.stream().mapToDouble(d -> d.speed().weightBytesPerSecond()).toArray()
            : parts(seconds));
  }

  /** Whether memory, not speed, bounds a device's share. */
  boolean isShortOfMemory(Device device, double share) {
    return share < 0.99 * bySpeed(device, seconds);
  }

  private double[] parts(double time) {
    return devices.stream().mapToDouble(device -> part(device, time)).toArray();
  }

  private double part(Device device, double time) {
    double held =
        (free(device) + device.speed().diskBytesPerSecond() * time)
            / (workload.sharedBytes(attention) + workload.sharedKvBytes(attention));
    return Math.max(0, Math.min(bySpeed(device, time), held));
  }

  private double bySpeed(Device device, double time) {
    return (device.speed().weightBytesPerSecond() * time - workload.repeatedBytes(attention))
        / workload.sharedBytes(attention);
  }

  /** What a device's memory holds of shared weights, keys and values. */
  private double free(Device device) {
    ProcessMemory memory = device.memory();
    return (double) memory.processBytes()
        - memory.heapBytes()
        - workload.processBytes()
        - workload.repeatedBytes(attention)
        - workload.repeatedKvBytes(attention)
        - device.fixedBytes();
  }

  private double totalSpeed() {
    return devices.stream().mapToDouble(d -> d.speed().weightBytesPerSecond()).sum();
  }

  private static double[] normalized(double[] parts) {
    double sum = sum(parts);
    return Arrays.stream(parts).map(part -> part / sum).toArray();
  }

  private static double sum(double[] parts) {
    return Arrays.stream(parts).sum();
  }
}
