package org.kithlm.node.control;

import java.util.concurrent.CompletionStage;

/** Measures this device. */
@FunctionalInterface
public interface Calibrator {
  /**
   * Starts to measure; returns at once.
   *
   * @param weightType element type of the weights, as GGUF names it
   * @return the speed, or a failure whose message names the cause
   */
  CompletionStage<DeviceSpeed> measure(String weightType);
}
