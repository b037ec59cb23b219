package org.kithlm.coordinator.membership;

import java.util.Arrays;
import java.util.List;
import org.kithlm.node.control.DeviceSpeed;
import org.kithlm.node.control.ProcessMemory;

/**
 * Shares of the layers by which all devices need the same time for a token.
 *
 * <p>In a time t a device computes {@code speed * t} bytes of its weights. What its memory does not
 * hold it reads meanwhile, so it also has at most {@code memory + disk * t} bytes of weights, keys
 * and values. Both grow with t, so the t at which the parts of all devices make one whole is found
 * by bisection.
 */
final class Balance {
  private static final int DOUBLINGS = 60;
  private static final int HALVINGS = 60;

  private final Workload workload;
  private final List<Device> devices;

  /**
   * A device.
   *
   * @param fixedBytes weights that are in its memory whatever its share is
   */
  record Device(DeviceSpeed speed, ProcessMemory memory, long fixedBytes) {}

  Balance(Workload workload, List<Device> devices) {
    this.workload = workload;
    this.devices = List.copyOf(devices);
  }

  /**
   * The shares, in the order of the devices; they add up to 1. Where memory and disks together are
   * too little they are those of the speeds.
   */
  double[] shares() {
    double seconds = workload.layerBytes() / totalSpeed();
    double bound = seconds;
    for (int i = 0; sum(parts(bound)) < 1; i++) {
      if (i == DOUBLINGS) {
        return normalized(devices.stream().mapToDouble(d -> bySpeed(d, seconds)).toArray());
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
    return normalized(parts(high));
  }

  /** Whether memory, not speed, bounds a device's share. */
  boolean isShortOfMemory(Device device, double share) {
    double bySpeed = device.speed().weightBytesPerSecond() / totalSpeed();
    return share < 0.99 * bySpeed;
  }

  private double[] parts(double seconds) {
    return devices.stream().mapToDouble(device -> part(device, seconds)).toArray();
  }

  private double part(Device device, double seconds) {
    double held =
        (free(device) + device.speed().diskBytesPerSecond() * seconds)
            / (workload.layerBytes() + workload.kvBytes());
    return Math.max(0, Math.min(bySpeed(device, seconds), held));
  }

  private double bySpeed(Device device, double seconds) {
    return device.speed().weightBytesPerSecond() * seconds / workload.layerBytes();
  }

  /** What a device's memory holds of shared weights, keys and values. */
  private double free(Device device) {
    ProcessMemory memory = device.memory();
    return (double) memory.processBytes()
        - memory.heapBytes()
        - workload.processBytes()
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
